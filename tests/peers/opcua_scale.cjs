// A scale of the weighing companion model (OPC 40200) as an OPC UA server of node-opcua, over the OPC Foundation's own
// nodeset. Tells its address in one line of JSON. Each line of JSON that comes in sets values by their browse names below
// the scale: {"CurrentWeight": {"gross": 90, "net": 65, "tare": 25}, "CurrentWeight.WeightStable": true}.
const { serve } = require("./serve.cjs");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { OPCUAServer } = require("node-opcua-server");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { standardUnits } = require("node-opcua-data-access");
const { nodesets } = require("node-opcua-nodesets");
const { DataType } = require("node-opcua-variant");

const SCALES = "http://opcfoundation.org/UA/Scales/V2/";
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "opcua-scale-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

const main = async () => {
  const serverCertificateManager = new OPCUACertificateManager({
    rootFolder: folder,
    automaticallyAcceptUnknownCertificate: true,
  });
  const { standard, di, ia, machinery, packML, scales } = nodesets;
  const server = new OPCUAServer({
    port: 0,
    hostname: "127.0.0.1",
    serverCertificateManager,
    nodeset_filename: [standard, di, ia, machinery, packML, scales],
  });
  await server.initialize();
  const addressSpace = server.engine.addressSpace;
  const index = addressSpace.getNamespaceIndex(SCALES);
  const weightType = addressSpace.findDataType("WeightType", index);
  const properties = ["WeightStable", "LegalForTrade", "WeightId"];
  const items = ["CurrentWeight", "RegisteredWeight"];
  const scale = addressSpace.findObjectType("SimpleScaleType", index).instantiate({
    browseName: "FloorScale",
    organizedBy: addressSpace.rootFolder.objects,
    optionals: ["RegisteredWeight", ...items.flatMap((item) => properties.map((name) => `${item}.${name}`))],
  });

  const below = (name) =>
    name.split(".").reduce((node, part) => node.getChildByName(part), scale);
  const variant = (name, value) => {
    if (name.endsWith("EngineeringUnits"))
      return { dataType: DataType.ExtensionObject, value: standardUnits[value] };
    if (typeof value === "boolean") return { dataType: DataType.Boolean, value };
    if (typeof value === "string") return { dataType: DataType.String, value };
    const structure = addressSpace.constructExtensionObject(weightType, value);
    return { dataType: DataType.ExtensionObject, value: structure };
  };
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) below(name).setValueFromSource(variant(name, value));
  };
  for (const item of items) {
    set({
      [`${item}.EngineeringUnits`]: "kilogram",
      [`${item}.Overload`]: false,
      [`${item}.Underload`]: false,
      [`${item}.WeightStable`]: true,
      [`${item}.LegalForTrade`]: true,
      [`${item}.WeightId`]: "",
      [item]: { gross: 0, net: 0, tare: 0 },
    });
  }
  await server.start();
  serve({ port: Number(new URL(server.getEndpointUrl()).port) }, set);
};
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
