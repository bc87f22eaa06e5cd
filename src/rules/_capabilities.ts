/** The capabilities of Linux, by the power that they give. https://man7.org/linux/man-pages/man7/capabilities.7.html */

/** Those that give the most power, and those that give little; all others are in between. */
export const STRONG =
  /cap_(sys_admin|sys_ptrace|dac_override|dac_read_search|sys_module|sys_rawio|setuid|setgid|setfcap|sys_chroot|bpf|fowner|chown|mac_admin)/i;
export const WEAK =
  /^[,\s]*(?:cap_(?:net_bind_service|sys_nice|ipc_lock|wake_alarm|net_raw|sys_resource|block_suspend)\+?=?\w*(?:[,\s]+|$))*$/i;
