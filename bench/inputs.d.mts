export function packageText(name: string, version: string): string;
export function packages(count: number, version: string): [path: string, text: string][];
export function makeRepository(directory: string, commits: [path: string, text: string][][]): string;
