// A Modbus device of the npm package jsmodbus behind a serial device server: RTU frames inside TCP. Tells its port in
// one line of JSON; each line of JSON that comes in, {"40066": 17483}, sets holding registers by their number.
const net = require("net");
const { server: Modbus } = require("jsmodbus");
const { serve } = require("./serve.cjs");

const holding = Buffer.alloc(2 * 125);
const listener = net.createServer((socket) => new Modbus.RTU(socket, { holding }));
listener.listen(0, "127.0.0.1", () =>
  serve({ port: listener.address().port }, (line) => {
    for (const [number, value] of Object.entries(line)) holding.writeUInt16BE(value, 2 * (number - 40001));
  }),
);
