import { assertEquals } from "@std/assert";
import { BoundedQueue } from "../../lib/base/bounded_queue.ts";

Deno.test("BoundedQueue lets a producer wait until there is room", async () => {
  const queue = new BoundedQueue<number>(2);
  const pushed: number[] = [];
  const producer = (async () => {
    for (let i = 0; i < 6; i++) {
      await queue.push(i);
      pushed.push(i);
    }
    queue.close();
  })();
  const items: number[] = [];
  for await (const item of queue) {
    items.push(item);
    assertEquals(pushed.length <= items.length + 2, true);
  }
  await producer;
  assertEquals(items, [0, 1, 2, 3, 4, 5]);
});

Deno.test("BoundedQueue frees a waiting producer when it is discarded", async () => {
  const queue = new BoundedQueue<number>(1);
  const waiting = queue.push(1);
  queue.discard();
  await waiting;
  assertEquals(queue.push(2), undefined);
  assertEquals(await Array.fromAsync(queue), []);
});
