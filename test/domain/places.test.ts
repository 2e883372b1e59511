import { describe, expect, test } from 'vitest'
import { namedPlaces, PLACES } from '../../domain/places.ts'

describe('places that a row names', () => {
  test('are told with their paths, and what is absent, null or every surface is none', () => {
    expect(namedPlaces('/a/0', { project_id: 'p_x', surface_id: 's_x', app_id: 'a_x' })).toEqual([
      { kind: 'project', id: 'p_x', path: '/a/0/project_id' },
      { kind: 'surface', id: 's_x', path: '/a/0/surface_id' },
      { kind: 'app', id: 'a_x', path: '/a/0/app_id' },
    ])
    expect(namedPlaces('', { surface_id: 's_x' })).toEqual([{ kind: 'surface', id: 's_x', path: '/surface_id' }])
    expect(namedPlaces('', { surface_id: '*' })).toEqual([])
    expect(namedPlaces('', { project_id: null, surface_id: undefined })).toEqual([])
  })

  test('have a kind whose letter begins every id of it', () => {
    for (const { prefix, main, header } of Object.values(PLACES)) {
      expect(main).toBe(`${prefix}_main`)
      expect(header[2]?.toLowerCase()).toBe(prefix)
    }
  })
})
