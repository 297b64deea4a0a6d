import { assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import type { RpcMethod } from "../../lib/rpc/protocol/protocol.ts";
import { RPC_METHODS, RPC_NOTIFICATIONS } from "../../lib/rpc/protocol/protocol_schema.ts";
import { METHOD_EXAMPLES, NOTIFICATION_EXAMPLES } from "../../tools/protocol_text.ts";
import { PROTOCOL_PAGE, protocolPage } from "../../tools/write_protocol.ts";

Deno.test("protocolPage() generates the committed page", async () => {
  const normal = (text: string) => text.replaceAll("\r\n", "\n");
  assertEquals(normal(await readFile(PROTOCOL_PAGE, "utf8")), protocolPage());
});

Deno.test("the examples of the page match the schemas", () => {
  for (const method of Object.keys(RPC_METHODS) as RpcMethod[]) {
    const [params, result] = METHOD_EXAMPLES[method];
    assertEquals(RPC_METHODS[method].params.parse(params), params, method);
    assertEquals(RPC_METHODS[method].result.parse(result), result, method);
  }
  for (const type of Object.keys(RPC_NOTIFICATIONS) as (keyof typeof RPC_NOTIFICATIONS)[]) {
    const data = NOTIFICATION_EXAMPLES[type];
    assertEquals(RPC_NOTIFICATIONS[type].data.parse(data), data, type);
  }
});
