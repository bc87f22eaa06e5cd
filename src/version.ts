/** The version of the package; the build puts it here (scripts/build.mjs). */
export const VERSION: string = process.env.VERIFOD_VERSION ?? "0.0.0-source";
