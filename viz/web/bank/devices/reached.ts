import type { Device } from "@shared/api/types";

/** Host and port, or the name it calls itself: what tells one device from a program that poses as it. */
export function reachedAt(device: Device): string {
  const { host, port, gateway, node, terminal_number: terminal, imei } = device.connection;
  if (host !== undefined) return port === undefined ? String(host) : `${String(host)}:${String(port)}`;
  if (gateway !== undefined) return `${String(gateway)} / ${String(node)}`;
  return String(terminal ?? imei ?? "");
}
