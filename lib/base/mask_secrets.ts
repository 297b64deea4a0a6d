/** Words that make any name that contains them the name of a secret. */
const SECRET_WORDS =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|WEBHOOK|COOKIE|(?:API|ACCESS|PRIVATE|AUTH)KEY/;

/** Short words, which count only as a whole part of a name: `AUTH`, but not `AUTHOR`. */
const SECRET_PARTS =
  /^(?:[A-Z0-9]*KEYS?|O?AUTH2?|AUTHORIZATION|BEARER|PAT|PASS|PWD|PIN|JWT|SAS|DSN)$/;

/** Names that are those of secrets by their words, and yet hold none. */
const PLAIN_NAME = /^(?:OLD)?PWD$|PUBLIC|(?:^|_)(?:NAME|ID|EMAIL|USER|TYPE|METHOD|MODE)$/;

/** Names of what lies in a file or a socket: the value is a path, which is no secret itself. */
const PLACE_NAME = /(?:FILE|PATH|DIR|DIRECTORY|SOCK|SOCKET|HOME|CREDENTIALS)$/;

/** Paths begin with the folders of a root; a secret that begins with "/" does not. */
const PATH =
  /^(?:~|\/(?:app|bin|data|dev|etc|home|lib|media|mnt|nix|opt|private|proc|root|run|sbin|snap|srv|sys|tmp|usr|var|work|workspace|workspaces|Applications|Library|Users|Volumes))(?:\/|$)/;

/** Values that say how something is done; masking them would garble ordinary text. */
const PLAIN_VALUE =
  /^(?:true|false|none|null|enabled?|disabled?|required|optional|default|always|never|auto|basic|bearer)$/i;

/** Values that are secrets whatever their variable is called. */
const SECRET_SHAPES = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^AGE-SECRET-KEY-/,
  /^(?:sk-|[sr]k_live_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|npm_|pypi-|hf_|dop_v1_|AIza|ya29\.)[\w.-]{10,}$/,
  /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/,
  /^https:\/\/(?:hooks\.slack\.com\/|(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks\/|[\w.-]+\.webhook\.office\.com\/)/,
];

const URL_LOGIN = /[a-z][a-z0-9+.-]*:\/\/([^/?#\s]+)@/gi;
const NAMED_IN_VALUE =
  /(?:^|[?&;,\s])[\w-]*(?:password|passwd|pwd|token|secret|api_?key|signature|sig)=([^&;,\s]+)/gi;

const MIN_LENGTH = 6;
/** A line of a key, as opposed to a bracket or a comma of one. */
const MIN_LINE_LENGTH = 8;
/** A user name in a URL that is this long is a token. */
const MIN_LOGIN_LENGTH = 20;

/**
 * Picks the values of an environment that must not be shown: by the names of variables (`…KEY`,
 * `…TOKEN`, `…_PAT`, …), and by their shape (passwords in URLs, private keys, known tokens,
 * webhooks). Each line of a key is a secret of its own, as output is masked line by line. Paths and
 * values shorter than 6 characters are left out, as masking them would garble ordinary text.
 *
 * @example Usage
 * ```ts
 * import { findSecrets, maskSecrets } from "@ralph/cli";
 *
 * const secrets = findSecrets({ API_KEY: "sk-0123456789" });
 * console.assert(maskSecrets("using sk-0123456789", secrets) !== "using sk-0123456789");
 * ```
 *
 * @returns The secret values, longest first.
 */
export function findSecrets(env: Record<string, string>): string[] {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    for (const secret of [...wholeSecrets(name, value.trim()), ...innerSecrets(value)]) {
      secrets.add(secret);
    }
  }
  return [...secrets].sort((a, b) => b.length - a.length);
}

/** The value and its lines, if its name or its shape says that it is a secret. */
function wholeSecrets(name: string, value: string): string[] {
  const isSecret = SECRET_SHAPES.some((shape) => shape.test(value)) ||
    hasSecretName(name) && !isPlain(name, value);
  if (!isSecret || value.length < MIN_LENGTH) return [];
  // Some hold their line ends as "\\n".
  const lines = value.split(/\r?\n|\\n/).map((line) => line.trim());
  if (lines.length === 1) return [value];
  return [
    value,
    ...lines.filter((line) => line.length >= MIN_LINE_LENGTH && !line.startsWith("-----")),
  ];
}

/** Passwords inside a value, such as those of URLs. */
function innerSecrets(value: string): string[] {
  const secrets: string[] = [];
  for (const [, login = ""] of value.matchAll(URL_LOGIN)) {
    const colon = login.indexOf(":");
    const password = login.slice(colon + 1);
    if (colon >= 0 && password !== "") {
      // A short password is masked together with its user only.
      const alone = [password, decoded(password)].filter((it) => it.length >= MIN_LENGTH);
      secrets.push(login, ...alone);
    }
    if (colon < 0 && login.length >= MIN_LOGIN_LENGTH) secrets.push(login);
  }
  for (const [, secret = ""] of value.matchAll(NAMED_IN_VALUE)) {
    if (secret.length >= MIN_LENGTH) secrets.push(secret, decoded(secret));
  }
  return secrets;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function hasSecretName(name: string): boolean {
  const parts = name.split(/[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])/).map((part) => part.toUpperCase());
  const whole = parts.join("_");
  if (PLAIN_NAME.test(whole)) return false;
  return parts.some((part) => SECRET_PARTS.test(part) || SECRET_WORDS.test(part));
}

function isPlain(name: string, value: string): boolean {
  if (PLAIN_VALUE.test(value) || PATH.test(value)) return true;
  if (value.startsWith("/") && PLACE_NAME.test(name.toUpperCase())) return true;
  // How many tokens a model may take.
  return /TOKENS$/i.test(name) && /^\d+$/.test(value);
}

/**
 * Replaces every secret in a text with `***`.
 *
 * @example Usage
 * ```ts
 * import { findSecrets, maskSecrets } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const secrets = findSecrets({ API_KEY: "sk-ant-12345" });
 * assertEquals(maskSecrets("bad key sk-ant-12345", secrets), "bad key ***");
 * ```
 *
 * @param secrets What to hide, longest first, as {@linkcode findSecrets} returns it.
 * @returns The text without the secrets.
 */
export function maskSecrets(text: string, secrets: string[]): string {
  for (const secret of secrets) {
    if (text.includes(secret)) text = text.replaceAll(secret, "***");
  }
  return text;
}
