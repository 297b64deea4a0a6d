import { assert, assertEquals, assertRejects } from "@std/assert";
import { errorMessage, firstError } from "../../lib/base/error_code.ts";
import { describeError } from "../../lib/cli/kit/describe_error.ts";

/** Work on a full disk: writing fails, and so does what is written at the end. */
async function workOnFullDisk(): Promise<void> {
  const failing = (message: string): AsyncDisposable => ({
    [Symbol.asyncDispose]: () => Promise.reject(new Error(message)),
  });
  await using _log = failing("the log cannot be closed");
  await using _recorder = failing("the registry cannot be written");
  throw new Error("ENOSPC: no space left on device, write");
}

Deno.test("firstError() is the error that came first, not one of cleaning up after it", async () => {
  const thrown = await assertRejects(workOnFullDisk);
  assert(thrown instanceof SuppressedError);
  const first = firstError(thrown);
  assert(first instanceof Error);
  assertEquals(first.message, "ENOSPC: no space left on device, write");
  assertEquals(errorMessage(thrown), first.message);
  const plain = new TypeError("as it is");
  assertEquals(firstError(plain), plain);
  assertEquals(errorMessage("a string"), "a string");
});

Deno.test("describeError() says what went wrong first, not that an error was suppressed", async () => {
  const { error } = describeError(await assertRejects(workOnFullDisk));
  assertEquals(error, "ENOSPC: no space left on device, write");
});
