/** A task: a folder with a `prd.json`. All paths are absolute. */
export interface Task {
  /** Its name, which is the name of its folder. */
  name: string;
  /** Its folder. */
  dir: string;
  /** The root of the git repository that it is in. */
  root: string;
  /** Its `prd.json`. */
  prdFile: string;
  /** Its `progress.txt`, which may not exist yet. */
  progressFile: string;
}
