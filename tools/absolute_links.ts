/** Where the files of a repository are. */
export interface RepositoryRef {
  /** Its address, such as `https://github.com/a/b`. */
  repository: string;
  /** The tag or branch that holds the files, such as `v0.1.0`. */
  ref: string;
}

/** A fenced block, or code in a line. */
const CODE = /^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[^\n]*$|(`+)[^`][^\n]*?\2/gm;

/**
 * Makes the relative links of a page at the root of a repository absolute, so that they work on
 * the page of a package too. Code stays as it is.
 *
 * @param markdown The page.
 * @param target Where the files are.
 * @returns The page, with links to the files as the repository shows them, and raw pictures.
 */
export function absoluteLinks(markdown: string, { repository, ref }: RepositoryRef): string {
  const raw = repository.replace("//github.com/", "//raw.githubusercontent.com/");
  const absolute = (link: string, base: string): string =>
    /^([a-z][a-z0-9+.-]*:|#|\/\/)/i.test(link) ? link : base + link.replace(/^(\.?\/)+/, "");
  const file = (_: string, head: string, link: string) =>
    head + absolute(link, `${repository}/blob/${ref}/`);
  const picture = (_: string, head: string, link: string) =>
    head + absolute(link, `${raw}/${ref}/`);

  const codes: string[] = [];
  return markdown
    .replace(CODE, (code) => `\0${codes.push(code) - 1}\0`)
    .replace(/(!\[[^\]]*\]\()([^)\s]+)/g, picture)
    .replace(/((?:<img|<source)\b[^>]*?\bsrc(?:set)?=")([^"]+)/g, picture)
    // The text before the bracket may be a picture of its own: [![alt](picture)](link).
    .replace(/((?<!!\[[^\]]*)\]\()([^)\s]+)/g, file)
    .replace(/(^\[[^\]]+\]:\s+)(\S+)/gm, file)
    .replace(/(<a\b[^>]*?\bhref=")([^"]+)/g, file)
    .replace(/\0(\d+)\0/g, (_, index) => codes[Number(index)] ?? "");
}
