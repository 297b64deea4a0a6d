/**
 * Writes `lib/rpc/PROTOCOL.md` from the schemas of the protocol.
 *
 * Run with `deno task protocol`.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import * as z from "zod";
import { AGENT_EVENT_SCHEMAS, EVENT_SCHEMAS } from "../lib/event/event_schema.ts";
import type { RpcMethod, RpcMethods, RpcNotifications } from "../lib/rpc/protocol/protocol.ts";
import { RPC_METHODS, RPC_NOTIFICATIONS } from "../lib/rpc/protocol/protocol_schema.ts";
import { METHOD_EXAMPLES, NOTIFICATION_EXAMPLES, PROTOCOL_TEXT } from "./protocol_text.ts";

/** The page. */
export const PROTOCOL_PAGE: URL = new URL("../lib/rpc/PROTOCOL.md", import.meta.url);

/** The part of JSON Schema that the protocol uses. */
interface JsonSchema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  required?: string[];
  description?: string;
}

/** Generates the page. */
export function protocolPage(): string {
  const methods = Object.keys(RPC_METHODS) as RpcMethod[];
  const types = Object.keys(RPC_NOTIFICATIONS) as (keyof RpcNotifications)[];
  return [
    PROTOCOL_TEXT.trim(),
    "## Methods",
    table(
      ["method", "role", "parameters", "result"],
      methods.map((name) => [
        `[\`${name}\`](#${name})`,
        RPC_METHODS[name].role,
        names(RPC_METHODS[name].params),
        names(RPC_METHODS[name].result),
      ]),
    ),
    ...methods.map(method),
    "## Notifications",
    ...types.map(notification),
    "## Events of a loop",
    "What `event` and `get_events` tell. Every event has a `time` and a `type`. Times are ISO 8601 in UTC, durations are milliseconds, and " +
    "`until` and `retryAt` are milliseconds since the epoch. Later versions may add types and " +
    "fields: pass over what you do not know.",
    variants("type", EVENT_SCHEMAS),
    "The field `event` of an event of type `agent`:",
    variants("kind", AGENT_EVENT_SCHEMAS),
  ].join("\n\n") + "\n";
}

function method<Method extends RpcMethod>(name: Method): string {
  const { summary, role, params, result } = RPC_METHODS[name];
  const [given, got]: [RpcMethods[Method]["params"], RpcMethods[Method]["result"]] =
    METHOD_EXAMPLES[name];
  return [
    `### ${name}`,
    role === "control" ? `${summary} Takes the role \`control\`.` : summary,
    ...fields("parameter", params),
    ...fields("result", result),
    json(
      { jsonrpc: "2.0", id: 1, method: name, params: given },
      { jsonrpc: "2.0", id: 1, result: got },
    ),
  ].join("\n\n");
}

function notification<Type extends keyof RpcNotifications>(type: Type): string {
  const { summary, data } = RPC_NOTIFICATIONS[type];
  const example: RpcNotifications[Type] = NOTIFICATION_EXAMPLES[type];
  const params = { type, timestamp: "2026-11-20T18:02:11.000Z", data: example };
  return [
    `### ${type}`,
    summary,
    ...fields("data", data),
    json({ jsonrpc: "2.0", method: "event", params }),
  ].join("\n\n");
}

/** A table of objects that are distinguished by one field. */
function variants(key: string, schemas: Record<string, z.ZodType>): string {
  const rows = Object.entries(schemas).map(([value, schema]) => {
    const { properties = {}, required = [] } = jsonSchema(schema);
    const others = Object.entries(properties).filter(([name]) => name !== key && name !== "time");
    const cells = others.map(([name, field]) =>
      `\`${name}${required.includes(name) ? "" : "?"}\` ${typeName(field)}`
    );
    return [`\`${value}\``, cells.join(", ")];
  });
  return table([key, "fields"], rows);
}

function json(...lines: object[]): string {
  return ["```json", ...lines.map((line) => JSON.stringify(line)), "```"].join("\n");
}

function fields(what: string, schema: z.ZodType): string[] {
  const { properties = {}, required = [], anyOf, oneOf } = jsonSchema(schema);
  const either = anyOf ?? oneOf;
  if (either !== undefined) {
    return [
      `The ${what} is ${either.map((one) => `\`${JSON.stringify(shape(one))}\``).join(" or ")}.`,
    ];
  }
  const rows = Object.entries(properties).map(([name, field]) => [
    `\`${name}\`${required.includes(name) ? "" : " (optional)"}`,
    typeName(field),
    field.description ?? "",
  ]);
  return rows.length === 0 ? [] : [table([what, "type", ""], rows)];
}

/** An example object, as far as its values are known. */
function shape({ properties = {} }: JsonSchema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [
      name,
      field.const ?? field.enum?.join("|") ?? typeName(field),
    ]),
  );
}

function names(schema: z.ZodType): string {
  const { properties, required = [], anyOf, oneOf } = jsonSchema(schema);
  const all = properties ??
    Object.assign({}, ...(anyOf ?? oneOf ?? []).map((one) => one.properties));
  return Object.keys(all)
    .map((name) => required.includes(name) || properties === undefined ? name : `${name}?`)
    .join(", ");
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
}

function typeName(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" \\| ");
  }
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) {
    return either.length > 4 ? kinds(either) : either.map(typeName).join(" or ");
  }
  if (schema.type === "array") return `array of ${typeName(schema.items ?? {})}`;
  if (schema.type !== "object") return [schema.type ?? "any"].flat().join(" or ");
  if (schema.properties === undefined) return "object";
  return `{${Object.keys(schema.properties).join(", ")}}`;
}

/** Many variants are shown by the field that distinguishes them. */
function kinds(variants: JsonSchema[]): string {
  const key = ["kind", "type"].find((name) =>
    variants.every(({ properties }) => properties?.[name]?.const !== undefined)
  );
  if (key === undefined) return "object";
  const known = variants.map(({ properties }) => properties?.[key]);
  return `{${key}: ${
    known.map((value) => `\`${JSON.stringify(value?.const)}\``).join(" \\| ")
  }, ...}`;
}

function table(headers: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(headers), line(headers.map(() => "---")), ...rows.map(line)].join("\n");
}

if (import.meta.main) await writeFile(PROTOCOL_PAGE, protocolPage());
