// A Modbus TCP device of the npm package modbus-serial. Tells its port in one line of JSON; each line of JSON that
// comes in, {"40066": 17483}, sets holding registers by their number.
const { ServerTCP } = require("modbus-serial");
const { serve } = require("./serve.cjs");

const registers = {};
const units = new Set();
const device = {
  getHoldingRegister: (address, unit) => (units.add(unit), registers[40001 + address] ?? 0),
};
const server = new ServerTCP(device, { host: "127.0.0.1", port: 0, unitID: 255 });
server.on("initialized", () =>
  serve({ port: server._server.address().port }, (line) => Object.assign(registers, line)),
);
