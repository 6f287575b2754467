import assert from "node:assert/strict";
import { PeerError } from "../../../lib/base/errors.ts";
import { type Delivery, EventHub, mapDeliveries } from "../../../lib/peer/event_hub.ts";
import { eventsQueuedMax, subscribersMax } from "../../../lib/peer/limits.ts";

const event = (value: number): Delivery<number> => ({ kind: "event", event: value });
const end = { done: true, value: undefined };

Deno.test("each reader gets every event from its subscription on, at its own pace", async () => {
  const hub = new EventHub<number>();
  hub.emit(0);
  const first = hub.subscribe();
  hub.emit(1);
  const second = hub.subscribe();
  const waiting = [second.next(), second.next()];
  hub.emit(2);
  hub.emit(3);
  assert.deepEqual(await Promise.all(waiting), [{ done: false, value: event(2) }, {
    done: false,
    value: event(3),
  }]);
  const taken = [];
  for await (const delivery of first) if (taken.push(delivery) === 3) break;
  assert.deepEqual(taken, [event(1), event(2), event(3)]);
  assert.equal(hub.size, 1);
});

Deno.test("a reader that is 10,000 behind keeps them; one more, and it hears of a gap instead", async () => {
  const hub = new EventHub<number>();
  const reader = hub.subscribe();
  for (let i = 0; i < eventsQueuedMax; i++) hub.emit(i);
  assert.deepEqual((await reader.next()).value, event(0));
  hub.emit(-1);
  hub.emit(-2);
  hub.emit(-3);
  assert.deepEqual((await reader.next()).value, { kind: "gap" });
  hub.emit(7);
  assert.deepEqual((await reader.next()).value, event(7));
  assert.equal(eventsQueuedMax, 10_000);
});

Deno.test("abort, close and return end a stream, what waits included, and leave nothing behind", async () => {
  const hub = new EventHub<number>();
  const controller = new AbortController();
  const aborted = hub.subscribe(controller.signal);
  const returned = hub.subscribe();
  const closed = hub.subscribe();
  const waiting = [aborted.next(), returned.next(), closed.next()];
  controller.abort();
  await returned.return!();
  assert.equal(hub.size, 1);
  hub.close();
  assert.deepEqual(await Promise.all(waiting), [end, end, end]);
  assert.deepEqual(await Promise.all([aborted.next(), returned.next(), closed.next()]), [end, end, end]);
  assert.equal(hub.size, 0);
});

Deno.test("a hub that is closed, and a signal that has fired, give streams that have ended", async () => {
  const hub = new EventHub<number>();
  assert.deepEqual(await hub.subscribe(AbortSignal.abort()).next(), end);
  hub.close();
  hub.close();
  assert.deepEqual(await hub.subscribe().next(), end);
  hub.emit(1);
  assert.equal(hub.size, 0);
});

Deno.test("more readers than the hub may have are refused, until one ends", async () => {
  const hub = new EventHub<number>();
  const readers = Array.from({ length: subscribersMax }, () => hub.subscribe());
  assert.throws(() => hub.subscribe(), (error) => error instanceof PeerError && error.code === "too_many");
  await readers[5]!.return!();
  hub.subscribe();
});

Deno.test("mapDeliveries() gives any number of events for each, in order, to concurrent readers too", async () => {
  const hub = new EventHub<number>();
  const mapped = mapDeliveries(
    hub.subscribe(),
    (delivery) =>
      delivery.kind === "gap" ? ["gap"] : Array.from({ length: delivery.event }, (_, i) => `${i}`),
  );
  const waiting = [mapped.next(), mapped.next(), mapped.next()];
  hub.emit(0);
  hub.emit(2);
  hub.emit(0);
  hub.emit(1);
  assert.deepEqual((await Promise.all(waiting)).map(({ value }) => value), ["0", "1", "0"]);
  for (let i = 0; i <= eventsQueuedMax; i++) hub.emit(1);
  assert.equal((await mapped.next()).value, "gap");
  const last = mapped.next();
  hub.close();
  assert.deepEqual(await last, end);
});

Deno.test("mapDeliveries() lets go when it ends before it was read", async () => {
  const hub = new EventHub<number>();
  const unread = mapDeliveries(hub.subscribe(), () => [1]);
  assert.equal(hub.size, 1);
  assert.deepEqual(await unread.return!(), end);
  assert.equal(hub.size, 0);
  const reading = mapDeliveries(hub.subscribe(), () => [1]);
  const waiting = reading.next();
  await reading.return!();
  assert.deepEqual(await waiting, end);
  assert.equal(hub.size, 0);
});
