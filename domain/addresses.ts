/** Addresses that no effect may reach outside the lab: our own machine, networks without a way in, and what clouds keep there. */
import ipaddr from 'ipaddr.js'

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
  if (parsed.range() !== 'unicast') return false
  // Of the sixth version only 2000::/3 is given out.
  return parsed.kind() === 'ipv4' || (parsed.toByteArray()[0] ?? 0) >> 5 === 1
}
