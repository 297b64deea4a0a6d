/**
 * Types of the few functions of the Deno standard library that are in use. They
 * come from the npm package `deno-std`, which ships no types (see deno.json).
 */

declare module "@std/assert" {
  export function assert(value: unknown, message?: string): asserts value;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertStrictEquals<T>(
    actual: unknown,
    expected: T,
    message?: string,
  ): asserts actual is T;
  export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertArrayIncludes<T>(actual: T[], expected: T[], message?: string): void;
  export function assertObjectMatch(
    // deno-lint-ignore no-explicit-any
    actual: Record<PropertyKey, any>,
    expected: Record<PropertyKey, unknown>,
    message?: string,
  ): void;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    // deno-lint-ignore no-explicit-any
    errorClass?: abstract new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): E;
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    // deno-lint-ignore no-explicit-any
    errorClass?: abstract new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
  export function fail(message?: string): never;
}

declare module "@std/cli" {
  /** What `parseArgs` read: a value for each option, and the rest in `_`. */
  export interface ParsedArgs {
    _: (string | number)[];
    [option: string]: unknown;
  }
  export interface ParseArgsOptions {
    boolean?: string[] | undefined;
    string?: string[] | undefined;
    collect?: string[] | undefined;
    negatable?: string[] | undefined;
    alias?: Record<string, string | string[]> | undefined;
    stopEarly?: boolean | undefined;
    "--"?: boolean;
    unknown?: ((arg: string, key?: string, value?: unknown) => unknown) | undefined;
  }
  export function parseArgs(args: string[], options?: ParseArgsOptions): ParsedArgs;
}

declare module "@std/text" {
  export function levenshteinDistance(a: string, b: string): number;
}

declare module "@std/toml" {
  export function parse(text: string): Record<string, unknown>;
}

declare module "@std/ulid" {
  export function ulid(seedTime?: number): string;
}
