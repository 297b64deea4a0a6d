/**
 * Quotes a text where a POSIX shell would not take it for one word: what ralph prints as the next
 * command can be pasted as it is.
 */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
