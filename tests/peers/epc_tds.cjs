// Decodes tags with the npm package epc-tds: a JSON list of hexadecimal tags comes in on standard input, a list of
// [identity URI, tag URI, tag written anew] or of error texts goes out.
const { valueOf, fromTagURI } = require("epc-tds");

let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => {
  const answers = JSON.parse(input).map((hex) => {
    try {
      const epc = valueOf(hex);
      return [epc.toIdURI(), epc.toTagURI(), fromTagURI(epc.toTagURI()).toHexString()];
    } catch (error) {
      return String(error);
    }
  });
  process.stdout.write(JSON.stringify(answers));
});
