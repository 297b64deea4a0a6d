/** Tokens as Claude Code counts them. */
export interface ClaudeUsage {
  /** Tokens read that were not cached. */
  input_tokens: number;
  /** Tokens written. */
  output_tokens: number;
  /** Tokens read from the cache. */
  cache_read_input_tokens: number;
  /** Tokens written to the cache. */
  cache_creation_input_tokens: number;
}
