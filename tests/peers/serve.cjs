// What the servers here share: says once where it listens, then takes orders in lines of JSON and answers each with
// what the order gives, until standard input ends.
const readline = require("readline");

// What packages write to the console is no answer.
console.log = console.info = console.warn = console.error;

exports.serve = (greeting, obey) => {
  const say = (answer) => process.stdout.write(JSON.stringify(answer ?? null) + "\n");
  say(greeting);
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", async (line) => say(await obey(JSON.parse(line))));
  lines.on("close", () => process.exit(0));
};
