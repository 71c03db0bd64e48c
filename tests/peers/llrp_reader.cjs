// A reader made with the npm package llrpjs, which speaks LLRP 1.0.1. Says its port, then each message that it got
// as a line of JSON. As soon as it may report, it reports two tags, an input and a keepalive.
const { LLRPCore, LLRPServer } = require("llrpjs");

const SUCCESS = { LLRPStatus: { StatusCode: "M_Success", ErrorDescription: "" } };
const AT = new Date("2026-11-23T05:55:30Z");
const reader = new LLRPServer({ host: "127.0.0.1", port: 0 });
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const send = (name, data, id = 1) => reader.send(new LLRPCore[name]({ id, data }));
const event = (what) =>
  send("READER_EVENT_NOTIFICATION", {
    ReaderEventNotificationData: { UTCTimestamp: { Microseconds: AT }, ...what },
  });

reader.on("connection", () => event({ ConnectionAttemptEvent: { Status: "Success" } }));
// What it cannot decode, such as a question of a later version, it answers by hanging up.
reader.on("error", (error) => {
  say(["error", String(error.message ?? error)]);
  reader._scanner.resetBuffer(); // Its server would read the same bytes again on the next connection.
  reader.disconnect();
});

const answers = {
  GET_READER_CAPABILITIES: {
    GeneralDeviceCapabilities: {
      MaxNumberOfAntennaSupported: 2,
      CanSetAntennaProperties: false,
      HasUTCClockCapability: true,
      DeviceManufacturerName: 25882,
      ModelName: 7,
      ReaderFirmwareVersion: "llrpjs",
      ReceiveSensitivityTableEntry: { Index: 1, ReceiveSensitivityValue: 0 },
      GPIOCapabilities: { NumGPIs: 4, NumGPOs: 0 },
      PerAntennaAirProtocol: { AntennaID: 1, ProtocolID: ["EPCGlobalClass1Gen2"] },
    },
  },
  SET_READER_CONFIG: {},
  GET_ROSPECS: {},
  DELETE_ROSPEC: {},
  ADD_ROSPEC: {},
  ENABLE_ROSPEC: {},
  START_ROSPEC: {},
  CLOSE_CONNECTION: {},
};
for (const [name, data] of Object.entries(answers)) {
  reader.on(name, async (message) => {
    say([name, message.toLLRPData().data ?? {}]);
    await send(`${name}_RESPONSE`, { ...SUCCESS, ...data }, message.getMessageId());
    if (name === "CLOSE_CONNECTION") reader.disconnect();
  });
}
reader.on("KEEPALIVE_ACK", () => say(["KEEPALIVE_ACK", {}]));
reader.on("ENABLE_EVENTS_AND_REPORTS", async () => {
  const seen = { FirstSeenTimestampUTC: { Microseconds: AT }, LastSeenTimestampUTC: { Microseconds: AT } };
  await send("RO_ACCESS_REPORT", {
    TagReportData: [
      {
        EPC_96: { EPC: "3034257bf7194e4000003039" },
        AntennaID: { AntennaID: 2 },
        PeakRSSI: { PeakRSSI: -57 },
        ...seen,
        TagSeenCount: { TagCount: 3 },
      },
      {
        EPCData: { EPC: "3674257bf6b7a659b2c2bf100000000000000000000000000000" },
        AntennaID: { AntennaID: 1 },
        PeakRSSI: { PeakRSSI: -70 },
        ...seen,
        TagSeenCount: { TagCount: 1 },
      },
    ],
  });
  await event({ GPIEvent: { GPIPortNumber: 1, GPIEvent: true } });
  await send("KEEPALIVE", {}, 77);
});

reader.listen();
reader._server.on("listening", () => say(["listening", reader._server.address().port]));
process.stdin.on("end", () => process.exit(0)).resume();
