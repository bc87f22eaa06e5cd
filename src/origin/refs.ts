/** Names of branches and moving tags. */

/** Names that forges and people give branches and moving tags. */
const MOVING =
  /^(refs\/heads\/.+|(origin\/)?(head|master|main|trunk|tip|default|devel|develop|development|dev|next|edge|latest|nightly|stable|unstable|staging|gh-pages))$/i;

/** Whether a ref is one that moves by its very nature. */
export function isMoving(ref: string): boolean {
  return MOVING.test(ref);
}
