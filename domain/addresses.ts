/** Addresses that no effect may reach outside the lab: our own machine, networks without a way in, and what clouds keep there. */
import ipaddr from 'ipaddr.js'

/** Public by its range, and in that cloud each machine's own. */
const OF_CLOUDS = ['168.63.129.16']
const OWN_NAMES = /(^|\.)(localhost|local|internal|localdomain|home|lan)\.?$/i

/** Whether a host of a URL is, or by its name must be, an address that is not of the public network. */
export function isOwnAddress(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (!ipaddr.isValid(host)) return OWN_NAMES.test(host) || !host.includes('.')
  return !isPublicAddress(host)
}

/** Whether an address is one of the public network, also when it hides in another: mapped, translated, tunnelled. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast' || OF_CLOUDS.includes(parsed.toString())) return false
  // Of the sixth version only 2000::/3 is given out.
  return parsed.kind() === 'ipv4' || (parsed.toByteArray()[0] ?? 0) >> 5 === 1
}
