/** `kith doctor`: looks for what keeps a peer from working, and names the remedy of each. */

import { addressText, parseAddress } from "../base/address.ts";
import { messageOf, PeerError } from "../base/errors.ts";
import type { Address, Clock } from "../base/ports.ts";
import { createClock } from "../platform/clock.ts";
import { lockStore, readKeyFile } from "../platform/files.ts";
import { hasPermission } from "../platform/permissions.ts";
import { createTimers } from "../platform/timers.ts";
import { TcpStreams } from "../../transports/tcp.ts";
import { UdpDatagrams } from "../../transports/udp.ts";
import { version } from "../peer/version.ts";
import { adminFileOf, readAdminFile } from "./admin_file.ts";
import { usage } from "./args.ts";
import type { Call, Command } from "./command.ts";

/** The commands of this file. */
export const doctorCommands: readonly Command[] = [{
  name: "doctor",
  args: [],
  options: ["store", "listen"],
  summary: "look for what keeps a peer from working",
  details: "Checks Deno, its flags and permissions, the ports of --listen, the store of --store, " +
    "and the clock. Changes nothing. Exit code 1 if something is wrong.",
  examples: ["doctor", "doctor --store ./alice.kv --listen 0.0.0.0:4000"],
  run: examine,
}];

/** What one look found. */
export interface Finding {
  /** What was looked at. */
  readonly check: string;
  /** `note`: a feature is missing that not everybody needs. */
  readonly result: "ok" | "note" | "wrong";
  /** What is the case, and what to do about it. */
  readonly message: string;
}

async function examine(call: Call): Promise<number> {
  const { options, out } = call;
  const store = options.text("store");
  const listen = options.text("listen") ?? "127.0.0.1:0";
  const address = parseAddress(listen);
  if (address === null) {
    throw usage(`--listen needs a numeric address and a port, as 127.0.0.1:0, not '${listen}'`);
  }
  const findings = [
    denoFinding(Deno.version.deno),
    ...flagFindings(store !== undefined),
    ...await permissionFindings(store),
    await portFinding("tcp", address),
    await portFinding("udp", address),
    ...(store === undefined ? [] : await storeFindings(store)),
    clockFinding(createClock()),
  ];
  for (const finding of findings) {
    const { check, result, message } = finding;
    out.result(finding, `${result.padEnd(5)}  ${check.padEnd(11)}  ${message}`);
  }
  const wrong = findings.filter(({ result }) => result === "wrong").length;
  out.note(wrong === 0 ? `Kith ${version} can work here.` : `${wrong} of ${findings.length} checks failed.`);
  return wrong === 0 ? 0 : 1;
}

/** Older versions had flaws that a remote peer could use. */
export function denoFinding(found: string): Finding {
  const [major = 0, minor = 0, patch = 0] = found.split(".").map((part) => Number.parseInt(part, 10));
  const isOld = major < 2 || (major === 2 && (minor < 9 || (minor === 9 && patch < 6)));
  return isOld
    ? {
      check: "deno",
      result: "wrong",
      message: `Deno ${found} is too old: run 'deno upgrade' to 2.9.6 or later`,
    }
    : { check: "deno", result: "ok", message: `Deno ${found}` };
}

/** A clock that is far off stamps records that others do not take. */
export function clockFinding(clock: Clock): Finding {
  const { wallMs } = clock.now();
  const shown = new Date(wallMs).toISOString();
  return wallMs < builtMs
    ? { check: "clock", result: "wrong", message: `The clock says ${shown}, before Kith was written: set it` }
    : {
      check: "clock",
      result: "ok",
      message: `${shown}: compare it with another clock; 10 minutes may differ`,
    };
}

function flagFindings(needsStore: boolean): Finding[] {
  const hasKv = typeof Deno.openKv === "function";
  const hasNet = typeof Deno.listenDatagram === "function";
  return [
    {
      check: "stores",
      result: hasKv ? "ok" : needsStore ? "wrong" : "note",
      message: hasKv
        ? "--unstable-kv is given"
        : "Stores on disk need the flag --unstable-kv: start Deno with it",
    },
    {
      check: "datagrams",
      result: hasNet ? "ok" : "note",
      message: hasNet ? "--unstable-net is given" : "Names work, but faster with the flag --unstable-net",
    },
  ];
}

async function permissionFindings(store: string | undefined): Promise<Finding[]> {
  const net = await hasPermission({ name: "net" });
  const sys = await hasPermission({ name: "sys", kind: "networkInterfaces" });
  const findings: Finding[] = [
    {
      check: "network",
      result: net ? "ok" : "wrong",
      message: net ? "--allow-net is given" : "Peers anywhere need --allow-net: start Deno with it",
    },
    {
      check: "interfaces",
      result: sys ? "ok" : "note",
      message: sys
        ? "Own addresses can be found"
        : "To find own addresses (--listen 0.0.0.0:…) give --allow-sys=networkInterfaces",
    },
  ];
  if (store === undefined) return findings;
  for (const name of ["read", "write"] as const) {
    const granted = await hasPermission({ name, path: store });
    const message = granted
      ? `--allow-${name} covers ${store}`
      : `Give --allow-${name} for the folder of ${store}: files lie beside the store`;
    findings.push({ check: name, result: granted ? "ok" : "wrong", message });
  }
  return findings;
}

async function portFinding(transport: "tcp" | "udp", address: Address): Promise<Finding> {
  const check = `${transport} port`;
  try {
    const bound = transport === "tcp"
      ? await new TcpStreams(createTimers()).listen(address)
      : await new UdpDatagrams().bind(address);
    bound.close();
    return { check, result: "ok", message: `${addressText(address)} can be used` };
  } catch (error) {
    return { check, result: "wrong", message: messageOf(error) };
  }
}

/** Opens nothing that another process may be using, and creates nothing. */
async function storeFindings(store: string): Promise<Finding[]> {
  try {
    const { isFile, mode, mtime } = await Deno.stat(store);
    if (!isFile) {
      return [{ check: "store", result: "wrong", message: `${store} is no file: name another --store` }];
    }
    const isOpen = mode !== null && (mode & 0o077) !== 0;
    const isAhead = mtime !== null && mtime.getTime() > createClock().now().wallMs + clockSlackMs;
    return [
      isOpen
        ? { check: "store", result: "note", message: `Others may read ${store}: run "chmod 600 ${store}"` }
        : { check: "store", result: "ok", message: `${store} is there` },
      await keyFinding(store),
      await lockFinding(store),
      ...(isAhead
        ? [
          {
            check: "clock",
            result: "wrong",
            message: `${store} was written later than now: set the clock`,
          } as const,
        ]
        : []),
    ];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return [{ check: "store", result: "note", message: `${store} is not there yet: 'kith run' makes it` }];
    }
    return [{ check: "store", result: "wrong", message: `Cannot look at ${store}: ${messageOf(error)}` }];
  }
}

async function keyFinding(store: string): Promise<Finding> {
  try {
    const keys = await readKeyFile(store);
    return keys === null
      ? { check: "keys", result: "note", message: "No keys yet: the first start makes them" }
      : { check: "keys", result: "ok", message: "The key file is there, and for its owner alone" };
  } catch (error) {
    return { check: "keys", result: "wrong", message: messageOf(error) };
  }
}

async function lockFinding(store: string): Promise<Finding> {
  try {
    (await lockStore(store)).release();
    return { check: "lock", result: "ok", message: "No other process has the store open" };
  } catch (error) {
    const access = await readAdminFile(adminFileOf(store)).catch(() => null);
    if (error instanceof PeerError && error.code === "store_in_use") {
      const message = access === null
        ? "Another process has the store open, without an admin API: end it, or start it anew without --no-admin"
        : `A peer runs on this store; its admin API is at ${access.url}`;
      return { check: "lock", result: access === null ? "note" : "ok", message };
    }
    return { check: "lock", result: "wrong", message: messageOf(error) };
  }
}

/** No clock that is right says less. */
const builtMs = Date.UTC(2026, 0, 1);
/** File systems round times. */
const clockSlackMs = 5_000;
