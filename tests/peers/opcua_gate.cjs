// A barrier and a signal as objects of an OPC UA server of node-opcua, with methods without arguments and Boolean
// variables. Tells its port in one line of JSON. Each line of JSON that comes in, {"Barrier.Loop": true}, sets variables
// and is answered with the methods that were called so far. A barrier that is called arrives at once.
const { serve } = require("./serve.cjs");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { OPCUAServer } = require("node-opcua-server");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { nodesets } = require("node-opcua-nodesets");
const { StatusCodes } = require("node-opcua-status-code");
const { DataType } = require("node-opcua-variant");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "opcua-gate-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

const main = async () => {
  const serverCertificateManager = new OPCUACertificateManager({
    rootFolder: folder,
    automaticallyAcceptUnknownCertificate: true,
  });
  const server = new OPCUAServer({
    port: 0,
    hostname: "127.0.0.1",
    serverCertificateManager,
    nodeset_filename: [nodesets.standard],
  });
  await server.initialize();
  const addressSpace = server.engine.addressSpace;
  const namespace = addressSpace.registerNamespace("http://gate.example/UA/");
  const called = [];
  const variables = {};
  const set = (values) => {
    for (const [name, value] of Object.entries(values))
      variables[name].setValueFromSource({ dataType: DataType.Boolean, value });
  };

  const device = (name, states, methods) => {
    const object = namespace.addObject({
      browseName: name,
      nodeId: `s=${name}`,
      organizedBy: addressSpace.rootFolder.objects,
    });
    for (const [state, value] of Object.entries(states)) {
      const id = `${name}.${state}`;
      variables[id] = namespace.addVariable({
        componentOf: object,
        browseName: state,
        nodeId: `s=${id}`,
        dataType: "Boolean",
      });
      set({ [id]: value });
    }
    for (const [method, effect] of Object.entries(methods)) {
      const id = `${name}.${method}`;
      const options = { browseName: method, nodeId: `s=${id}`, inputArguments: [], outputArguments: [] };
      namespace.addMethod(object, options).bindMethod((inputs, context, done) => {
        called.push(id);
        set(effect);
        done(null, { statusCode: StatusCodes.Good, outputArguments: [] });
      });
    }
  };
  const boom = (isOpen) => ({ "Barrier.IsOpen": isOpen, "Barrier.IsClosed": !isOpen });
  device(
    "Barrier",
    { IsOpen: false, IsClosed: true, Loop: false },
    { Open: boom(true), Close: boom(false) },
  );
  const lamps = (lit) => ({ "Signal.Red": lit === "Red", "Signal.Green": lit === "Green" });
  device(
    "Signal",
    { Red: false, Green: false },
    { ShowOff: lamps(), ShowRed: lamps("Red"), ShowGreen: lamps("Green") },
  );
  await server.start();
  serve({ port: Number(new URL(server.getEndpointUrl()).port) }, (values) => (set(values), called));
};
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
