/** Hosts where nobody is responsible for what is served. */

/** Short links, chat uploads, hosts where anybody can leave a file. */
const ANYBODY =
  /^(bit\.ly|tinyurl\.com|goo\.gl|t\.co|is\.gd|cutt\.ly|rebrand\.ly|shorturl\.at|cdn\.discordapp\.com|media\.discordapp\.net|transfer\.sh|0x0\.st|file\.io|anonfiles\.com|catbox\.moe|files\.catbox\.moe|gofile\.io|wetransfer\.com|we\.tl|temp\.sh|uguu\.se|pixeldrain\.com|mediafire\.com|mega\.nz|mega\.io|tmpfiles\.org|litter\.catbox\.moe|store\d+\.gofile\.io|download\d+\.mediafire\.com|www\.mediafire\.com)$|\.(duckdns\.org|no-ip\.(org|com|biz)|ddns\.net|dyndns\.org|ngrok\.io|ngrok-free\.app|trycloudflare\.com)$/;

const BARE_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.%]+\]|0x[0-9a-f.]+|\d+)$/i;

/** Why nobody is responsible for what a host serves; null: somebody is. */
export function anonymousHost(host: string): string | null {
  if (BARE_ADDRESS.test(host)) return "a bare network address in place of a name";
  return ANYBODY.test(host) ? "a host where anybody can put anything" : null;
}
