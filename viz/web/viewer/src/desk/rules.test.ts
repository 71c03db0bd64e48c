import { expect, test } from "vitest";
import { sayRule } from "./rules";

test.each([
  ["not negative", "不为负", "not negative"],
  ["an enrolled device", "已登记的设备", "a device that is enrolled"],
  ["-360 to 360", "-360 至 360", "-360 to 360"],
  ["-150 to 30 dBm", "-150 至 30 dBm", "-150 to 30 dBm"],
  ["at most 512 characters", "不超过 512 个字符", "at most 512 characters"],
  ["must be 4 to 12, is 3", "4 至 12，实为 3", "4 to 12, is 3"],
  ["a whole number or nothing, not a text", "整数或空值，而非文字", "a whole number or nothing, not a text"],
  ["six digits, at offset 4", "六位数字（第 4 字节）", "six digits, at offset 4"],
  ["one of online, offline", "以下之一：online、offline", "one of online, offline"],
  ["a rule of tomorrow", "a rule of tomorrow", "a rule of tomorrow"],
])("%s is said in both languages", (rule, zh, en) => {
  expect([sayRule(rule, "zh"), sayRule(rule, "en")]).toEqual([zh, en]);
});
