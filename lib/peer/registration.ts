/** One name that a peer publishes, in one or more of its clouds. */

import { type Endpoint, isSendable, parseEndpoint } from "../base/address.ts";
import { utf8 } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import type { Crypto } from "../base/ports.ts";
import { peerIdText } from "../identity/peer_id.ts";
import type { PeerName } from "../identity/peer_name.ts";
import type { CloudRequest } from "../names/cloud.ts";
import {
  commentCharactersMax,
  endpointsMax,
  payloadBytesMax,
  registrationLifeMs,
  resolveTimeoutMs,
} from "../names/limits.ts";
import type { PublicationContent } from "../names/publications.ts";
import { characterCount, PayloadKind } from "../names/registration.ts";
import { isWireText } from "../wire/codec.ts";
import type { Signer } from "../wire/envelope.ts";
import type { CallOptions, CloudDriver } from "./cloud_driver.ts";
import type { RegisterOptions, Registration, RegistrationContent, UpdateOptions } from "./names_surface.ts";
import type { TimedOptions, WaitOptions } from "./surface.ts";

/** What a registration needs of its peer. */
export interface RegistrationParts {
  readonly crypto: Crypto;
  /** Where the peer listens now, as `tcp://127.0.0.1:4000`. */
  readonly endpoints: () => readonly string[];
}

/** One registration in one or more clouds. */
export class LiveRegistration implements Registration {
  /** The peer name. */
  readonly name: string;
  /** Peer id of the key that signs. */
  readonly publisher: string;
  /** Names of the clouds where it is published. */
  readonly clouds: readonly string[];
  readonly #parts: RegistrationParts;
  readonly #peerName: PeerName;
  readonly #signer: Signer;
  readonly #drivers: readonly CloudDriver[];
  readonly #onEnd: () => void;
  #content: RegistrationContent = {};
  #isEnded = false;

  constructor(
    parts: RegistrationParts,
    peerName: PeerName,
    signer: Signer,
    drivers: readonly CloudDriver[],
    onEnd: () => void,
  ) {
    this.name = peerName.text;
    this.publisher = peerIdText(parts.crypto, signer.publicKey);
    this.clouds = drivers.map((driver) => driver.name);
    this.#parts = parts;
    this.#peerName = peerName;
    this.#signer = signer;
    this.#drivers = drivers;
    this.#onEnd = onEnd;
  }

  /** Publishes the name in all its clouds, or in none. */
  async register(options: RegisterOptions): Promise<void> {
    const { authority, classifier } = this.#peerName;
    const registered: CloudDriver[] = [];
    try {
      const content = this.#publication(options);
      const request = { kind: "register", authority, classifier, signer: this.#signer, content } as const;
      const outcomes = await Promise.allSettled(this.#drivers.map(async (driver) => {
        try {
          await driver.call(request, this.#callOptions(`Registering "${this.name}"`, options));
        } catch (error) {
          // An attempt that was given up may have begun; one that was refused changed nothing.
          if (error instanceof PeerError && isGivenUp(error)) registered.push(driver);
          throw error;
        }
        registered.push(driver);
      }));
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
      this.#content = options;
    } catch (error) {
      this.#end();
      await Promise.allSettled(registered.map((driver) => this.#unregisterAt(driver, {})));
      throw error;
    }
  }

  /** Publishes other content. */
  async update(content: UpdateOptions): Promise<void> {
    if (this.#isEnded) {
      throw new PeerError("name_not_found", `"${this.name}" was unregistered; register it again instead`);
    }
    const publication = this.#publication(content);
    await Promise.all(this.#drivers.map((driver) => {
      const request = { kind: "update", nameKey: this.#nameKeyAt(driver), content: publication } as const;
      return driver.call(request, this.#callOptions(`Updating "${this.name}"`, content));
    }));
    this.#content = content;
  }

  /** Publishes again if the endpoints are automatic. */
  async refreshEndpoints(): Promise<void> {
    if (this.#isEnded || this.#content.endpoints !== undefined) return;
    const { comment, payload, expires } = this.#content;
    await this.update({
      ...(comment === undefined ? {} : { comment }),
      ...(payload === undefined ? {} : { payload }),
      ...(expires === undefined ? {} : { expires }),
    });
  }

  /** Publishes the name no more. */
  async unregister(options: WaitOptions = {}): Promise<void> {
    if (this.#isEnded) return;
    this.#end();
    await Promise.all(this.#drivers.map((driver) => this.#unregisterAt(driver, options)));
  }

  /** Like {@linkcode LiveRegistration.unregister}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.unregister();
  }

  async #unregisterAt(driver: CloudDriver, options: WaitOptions): Promise<void> {
    const request: CloudRequest = { kind: "unregister", nameKey: this.#nameKeyAt(driver) };
    await driver.call(request, this.#callOptions(`Unregistering "${this.name}"`, options));
  }

  #end(): void {
    this.#isEnded = true;
    this.#onEnd();
  }

  #nameKeyAt(driver: CloudDriver): string {
    return driver.nameKeyOf(this.#peerName.authority, this.#peerName.classifier);
  }

  #callOptions(action: string, { timeoutMs, signal }: TimedOptions): CallOptions {
    return { action, timeoutMs: timeoutMs ?? resolveTimeoutMs, signal };
  }

  #publication(content: RegistrationContent): PublicationContent {
    const endpoints = content.endpoints?.map(requireEndpoint) ?? this.#ownEndpoints();
    if (endpoints.length > endpointsMax) {
      throw new RangeError(`A registration has at most ${endpointsMax} endpoints, not ${endpoints.length}`);
    }
    const comment = content.comment ?? "";
    if (!isWireText(comment) || characterCount(comment) > commentCharactersMax) {
      throw new RangeError(`A comment is text in NFC of at most ${commentCharactersMax} characters`);
    }
    return {
      endpoints,
      comment,
      payload: payloadOf(content.payload),
      lifeMs: registrationLifeMs,
      expires: content.expires?.getTime() ?? null,
    };
  }

  /** Where the peer listens, as far as others can reach it there. */
  #ownEndpoints(): Endpoint[] {
    const endpoints = this.#parts.endpoints().map(parseEndpoint);
    return endpoints.filter((endpoint) => endpoint !== null && isSendable(endpoint.address)) as Endpoint[];
  }
}

/** The endpoint that a text means; throws `invalid_address` if nothing can be sent there. */
export function requireEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== null && isSendable(endpoint.address)) return endpoint;
  throw new PeerError(
    "invalid_address",
    `${JSON.stringify(text)} is no endpoint that others can reach; write it as tcp://127.0.0.1:4000`,
  );
}

function isGivenUp(error: PeerError): boolean {
  return error.code === "timeout" || error.code === "aborted";
}

function payloadOf(payload: Uint8Array | string | undefined): PublicationContent["payload"] {
  if (payload === undefined) return null;
  const isText = typeof payload === "string";
  if (isText && !payload.isWellFormed()) {
    throw new RangeError("A payload in text must be well-formed Unicode");
  }
  const bytes = isText ? utf8(payload) : new Uint8Array(payload);
  if (bytes.length > payloadBytesMax) {
    throw new RangeError(`A payload has at most ${payloadBytesMax} bytes, not ${bytes.length}`);
  }
  return { bytes, kind: isText ? PayloadKind.text : PayloadKind.bytes };
}
