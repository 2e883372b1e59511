/** What lies in stores by a name: objects, assets that were uploaded under a ticket, and secrets. */

export const OBJECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
/** What a secret is called: a file, in the directory of its tenant and host. */
export const SECRET_NAME = /^[a-z][a-z0-9_-]{0,63}$/
export const ASSET_ID = /^ra_[0-9a-f]{32}$/

/** Which bytes a ticket is for; it never changes. */
export interface Asset {
  asset_id: string
  filename: string
  content_type: string
  sha256: string
  size: number
}

/** What says where an asset lies. */
export type AssetName = Pick<Asset, 'asset_id' | 'filename'>

/** The ticket's row, as it is asked for. */
export interface UploadTicket extends Asset {
  asked_by: string
  expires_at: string
}

/** Why an object that is there is not known for what it is. */
export const NO_DIGEST = 'the store tells no digest'

/** What a store says of an object; it may keep no digest. */
export interface StoredObject {
  key: string
  sha256: string | null
  size: number
}
