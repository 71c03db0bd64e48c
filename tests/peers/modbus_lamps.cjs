// A module of four outputs that takes Modbus TCP, of the npm package named by the first argument: modbus-serial or
// jsmodbus. Tells its port in one line of JSON; each line of JSON that comes in is answered with what the outputs hold.
const { serve } = require("./serve.cjs");

const OUTPUTS = 4;

const modbusSerial = (listening) => {
  const { ServerTCP } = require("modbus-serial");
  const outputs = Array(OUTPUTS).fill(false);
  const device = {
    getCoil: (address) => outputs[address],
    setCoil: (address, value) => void (outputs[address] = value),
  };
  const server = new ServerTCP(device, { host: "127.0.0.1", port: 0, unitID: 1 });
  server.on("initialized", () => listening(server._server.address().port, () => outputs));
};

const jsmodbus = (listening) => {
  const net = require("net");
  const { server: Modbus } = require("jsmodbus");
  const coils = Buffer.alloc(1);
  const listener = net.createServer();
  new Modbus.TCP(listener, { coils });
  const held = () => Array.from({ length: OUTPUTS }, (_, place) => ((coils[0] >> place) & 1) === 1);
  listener.listen(0, "127.0.0.1", () => listening(listener.address().port, held));
};

({ "modbus-serial": modbusSerial, jsmodbus })[process.argv[2]]((port, held) => serve({ port }, held));
