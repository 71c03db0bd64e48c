// Reads packets with the npm package complete-teltonika-parser: a JSON list of hexadecimal packets comes in on standard
// input, a list of packets as it understands them goes out.
const { ProtocolParser } = require("complete-teltonika-parser");

let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => {
  const answers = JSON.parse(input).map((hex) => {
    const packet = new ProtocolParser(hex, false, () => {});
    const records = packet.Content.AVL_Datas.map((record) => ({
      at: record.Timestamp,
      priority: record.Priority,
      gps: record.GPSelement,
      elements: record.IOelement.Elements,
    }));
    return { codec: packet.CodecID, count: packet.Quantity1, crc: packet.CRC, records };
  });
  process.stdout.write(JSON.stringify(answers));
});
