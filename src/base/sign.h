/*
 * Signatures, by libcrypto: Ed25519. Keys are PEM texts, as openssl(1) writes and reads them.
 */
#ifndef VV_BASE_SIGN_H
#define VV_BASE_SIGN_H

#include "base/buf.h"
#include "base/op.h"

#define VV_SIGNATURE_BYTES 89 /* base64 of 64 bytes, and a NUL */

/* Makes a key. */
varve_status vv_sign_keygen(struct vv_op *op, struct vv_buf *out_private,
    struct vv_buf *out_public);
/* The public key that goes with a private one. EUSAGE: no private Ed25519 key. */
varve_status vv_sign_public(struct vv_op *op, struct vv_str private_pem,
    struct vv_buf *out_public);
/* EUSAGE: no private Ed25519 key. */
varve_status vv_sign(struct vv_op *op, struct vv_str private_pem, struct vv_str text,
    char out[VV_SIGNATURE_BYTES]);
/* *out_valid: it is the signature of this text by that key. EUSAGE: it is none at all. */
varve_status vv_sign_check(struct vv_op *op, struct vv_str public_pem, struct vv_str text,
    struct vv_str signature, bool *out_valid);

#endif
