/**
 * The context headers as they came: read before anybody is looked up, their first fault kept for its place in the order of
 * refusal. A ticket brings the place it was asked from, since who shows one can send no headers; those that are sent all
 * the same must say the same.
 */
import { idFault } from './identify-request.ts'
import type { Admission } from '../ports.ts'
import type { Ctx, RequestContext } from '../request.ts'
import { ExoError } from '../../domain/errors.ts'
import { PLACES } from '../../domain/places.ts'

const MODES = ['lab', 'saas', 'enterprise'] as const
const TRACE_PART = /^[A-Za-z0-9._:-]{1,128}$/

export interface HeaderContext {
  tenant_id: string | null
  project_id: string | null
  surface_id: string
  app_id: string
  mode: RequestContext['mode'] | null
  run_id: string | null
  step_id: string | null
  fault: ExoError | null
}

/** `hasPlace` is for callers of whom no header is due. */
export function readHeaders(c: Ctx, hasPlace: boolean): HeaderContext {
  let fault: ExoError | null = null
  const invalid = (field: string, details: object = {}, message?: string) => {
    fault ??= new ExoError('context.invalid', message, { field, ...details })
  }
  const ids = idFault((name) => c.req.header(name))
  if (ids !== null) invalid(ids.field)
  if (c.req.header('x-env') !== undefined)
    invalid('X-Env', {}, 'Drop X-Env: the deployment alone says which env it is.')
  const id = (header: string, pattern: RegExp): string | null => {
    const value = c.req.header(header)
    if (value === undefined) return null
    if (pattern.test(value)) return value
    invalid(header)
    return null
  }
  const tenant = id('X-Tenant-Id', /^t_[a-z0-9_-]{1,60}$/)
  if (tenant === 't_system' || tenant === 't_unknown')
    invalid('X-Tenant-Id', {}, `No caller may name ${tenant}: drop X-Tenant-Id, or name a tenant of the credential.`)
  const word = c.req.header('x-mode')
  const mode = MODES.find((each) => each === word?.toLowerCase()) ?? null
  if (word !== undefined && mode === null) invalid('X-Mode', { allowed: MODES })
  if (word === undefined && !hasPlace) fault ??= new ExoError('context.missing', undefined, { field: 'X-Mode' })
  return {
    tenant_id: tenant,
    project_id: id(PLACES.project.header, /^p_[a-z0-9_-]{1,60}$/),
    surface_id: id(PLACES.surface.header, /^s_[a-z0-9_-]{1,60}$/) ?? PLACES.surface.main,
    app_id: id(PLACES.app.header, /^a_[a-z0-9_-]{1,60}$/) ?? PLACES.app.main,
    run_id: id('X-Run-Id', TRACE_PART),
    step_id: id('X-Step-Id', TRACE_PART),
    mode,
    fault,
  }
}

/** The place a ticket was asked from, where one was shown; headers that name another are told, each. */
export function placedByTicket(c: Ctx, headers: HeaderContext, place: Admission['asked_from']): HeaderContext {
  if (place === null) return headers
  const mismatches = Object.entries(place).flatMap(([field, value]) => {
    const given = c.req.header(`x-${field.replace('_', '-')}`)
    return given === undefined || given === value ? [] : [{ field, given: given.slice(0, 100) }]
  })
  const overrides = mismatches.length === 0 ? null : new ExoError('auth.identity_override', undefined, { mismatches })
  return { ...headers, ...place, fault: headers.fault ?? overrides }
}
