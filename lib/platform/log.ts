/** Where Kith says something to an operator: nowhere by default, or one line each to standard error. */

import type { Clock, Log, LogDetails } from "../base/ports.ts";
import { createClock } from "./clock.ts";
import { logLineCharsMax } from "./limits.ts";

/** How grave a message is; a log shows its level and graver ones. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Drops everything. */
export const silentLog: Log = { debug: drop, info: drop, warn: drop, error: drop };

/** Writes one line for each message to standard error: time, level, message, details. */
export function consoleLog(level: LogLevel = "info", clock: Clock = createClock()): Log {
  const at = (own: LogLevel) =>
    levels.indexOf(own) < levels.indexOf(level) ? drop : (message: string, details?: LogDetails) => {
      console.error(logLine(clock.now().wallMs, own, message, details));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** The line of a message. Text from elsewhere cannot begin a second line or steer a terminal. */
export function logLine(wallMs: number, level: LogLevel, message: string, details: LogDetails = {}): string {
  const pairs = Object.entries(details).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  const line = `${new Date(wallMs).toISOString()} ${level} ${message}${pairs.join("")}`;
  const plain = line.replace(/\p{C}|\p{Zl}|\p{Zp}/gu, "\ufffd");
  return plain.length <= logLineCharsMax ? plain : plain.slice(0, logLineCharsMax - 1) + "…";
}

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

function drop(): void {
  // Nobody asked to hear it.
}
