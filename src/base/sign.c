#include "base/sign.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#define RAW_BYTES ((size_t)64)

static void key_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void context_free(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void bio_free(BIO **bio)
{
    BIO_free_all(*bio);
}

static varve_status fail_crypto(struct vv_op *op, const char *what)
{
    return vv_fail(op, VARVE_EFAILED, "libcrypto can't %s", what);
}

/* ---- Keys ---------------------------------------------------------------------------------------- */

static varve_status write_key(struct vv_op *op, EVP_PKEY *key, bool is_private,
    struct vv_buf *out)
{
    VV_CLEANUP(bio_free) BIO *bio = BIO_new(BIO_s_secmem());
    char *bytes = NULL;
    if (bio == NULL)
        return vv_fail_memory(op);
    int done = is_private ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                          : PEM_write_bio_PUBKEY(bio, key);
    long len = done == 1 ? BIO_get_mem_data(bio, &bytes) : 0;
    if (len <= 0)
        return fail_crypto(op, "write an Ed25519 key");
    vv_buf_add(out, (struct vv_str){bytes, (size_t)len});
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_sign_keygen(struct vv_op *op, struct vv_buf *out_private,
    struct vv_buf *out_public)
{
    VV_CLEANUP(key_free) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (key == NULL)
        return fail_crypto(op, "make an Ed25519 key");
    VV_TRY(write_key(op, key, true, out_private));
    return write_key(op, key, false, out_public);
}

static varve_status read_key(struct vv_op *op, struct vv_str pem, bool is_private,
    EVP_PKEY **out)
{
    VV_CLEANUP(bio_free) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        return vv_fail_memory(op);
    /* An empty pass phrase: never ask a terminal for one. */
    char none[] = "";
    EVP_PKEY *key = is_private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, none)
                               : PEM_read_bio_PUBKEY(bio, NULL, NULL, none);
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(key);
        return vv_fail(op, VARVE_EUSAGE, "no %s Ed25519 key in PEM: varve keygen makes one",
            is_private ? "private" : "public");
    }
    *out = key;
    return VARVE_OK;
}

varve_status vv_sign_public(struct vv_op *op, struct vv_str private_pem,
    struct vv_buf *out_public)
{
    VV_CLEANUP(key_free) EVP_PKEY *key = NULL;
    VV_TRY(read_key(op, private_pem, true, &key));
    return write_key(op, key, false, out_public);
}

/* ---- Signatures ---------------------------------------------------------------------------------- */

varve_status vv_sign(struct vv_op *op, struct vv_str private_pem, struct vv_str text,
    char out[VV_SIGNATURE_BYTES])
{
    VV_CLEANUP(key_free) EVP_PKEY *key = NULL;
    unsigned char raw[RAW_BYTES];
    size_t raw_len = sizeof(raw);
    VV_TRY(read_key(op, private_pem, true, &key));
    VV_CLEANUP(context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL)
        return vv_fail_memory(op);
    if (EVP_DigestSignInit(context, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(context, raw, &raw_len, (const unsigned char *)text.ptr, text.len) !=
            1 ||
        raw_len != sizeof(raw))
        return fail_crypto(op, "sign");
    (void)EVP_EncodeBlock((unsigned char *)out, raw, (int)raw_len);
    return VARVE_OK;
}

varve_status vv_sign_check(struct vv_op *op, struct vv_str public_pem, struct vv_str text,
    struct vv_str signature, bool *out_valid)
{
    VV_CLEANUP(key_free) EVP_PKEY *key = NULL;
    unsigned char raw[RAW_BYTES + 2]; /* padding decodes to zeros */
    if (signature.len != VV_SIGNATURE_BYTES - 1 ||
        EVP_DecodeBlock(raw, (const unsigned char *)signature.ptr, (int)signature.len) !=
            (int)sizeof(raw))
        return vv_fail(op, VARVE_EUSAGE,
            "\"%.*s\" is no signature: varve seal --key prints one, 88 characters of base64",
            VV_ARG(signature));
    VV_TRY(read_key(op, public_pem, false, &key));
    VV_CLEANUP(context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL)
        return vv_fail_memory(op);
    if (EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) != 1)
        return fail_crypto(op, "check a signature");
    *out_valid = EVP_DigestVerify(context, raw, RAW_BYTES, (const unsigned char *)text.ptr,
                     text.len) == 1;
    return VARVE_OK;
}
