/** What any thread may take. */

/** For one answer. The slowest honest review, of all files of a big repository, takes a tenth of that. */
export const LIMIT_MS = 120_000;
/** For its objects, in megabytes. */
export const MEMORY_MB = 2_000;
/** More threads than that would wait for git. */
export const MOST_THREADS = 8;
