#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <openssl/evp.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zlib.h>

#include "base/seam.h"

#define PIECE_BYTES ((size_t)256 << 10)

static void hex_write(const unsigned char *digest, size_t digest_bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < digest_bytes; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * digest_bytes] = '\0';
}

static varve_status fail_digest(struct vv_op *op, const char *name)
{
    return vv_fail(op, VARVE_EFAILED,
        "libcrypto refuses to compute %s; see its configuration (a FIPS-only setup?)", name);
}

static varve_status digest(struct vv_op *op, const char *name, const EVP_MD *type,
    struct vv_str bytes, char *out_hex)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int value_bytes = 0;
    const char *ptr = bytes.ptr ? bytes.ptr : "";
    if (EVP_Digest(ptr, bytes.len, value, &value_bytes, type, NULL) != 1)
        return fail_digest(op, name);
    hex_write(value, value_bytes, out_hex);
    return VARVE_OK;
}

varve_status vv_sha256(struct vv_op *op, struct vv_str bytes, char out_hex[VV_SHA256_HEX_BYTES])
{
    return digest(op, "SHA-256", EVP_sha256(), bytes, out_hex);
}

varve_status vv_md5(struct vv_op *op, struct vv_str bytes, char out_hex[33])
{
    return digest(op, "MD5", EVP_md5(), bytes, out_hex);
}

static void context_free(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void fd_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        (void)close(*fd);
    errno = saved;
}

static void piece_free(char **piece)
{
    vv_free(*piece);
}

static varve_status digest_file(struct vv_op *op, const char *path, EVP_MD_CTX *context,
    int64_t *bytes)
{
    VV_CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return vv_fail_errno(op, errno, "open %s", path);
    /* Not of the operation's arena: thousands of files are hashed in one operation. */
    VV_CLEANUP(piece_free) char *piece = vv_malloc(PIECE_BYTES);
    if (piece == NULL)
        return vv_fail_memory(op);
    for (;;) {
        VV_TRY(vv_check_cancel(op));
        ssize_t len = read(fd, piece, PIECE_BYTES);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return vv_fail_errno(op, errno, "read %s at byte %" PRId64, path, *bytes);
        if (len == 0)
            return VARVE_OK;
        if (EVP_DigestUpdate(context, piece, (size_t)len) != 1)
            return fail_digest(op, "SHA-256");
        *bytes += len;
    }
}

varve_status vv_sha256_file(struct vv_op *op, const char *path,
    char out_hex[VV_SHA256_HEX_BYTES], int64_t *out_bytes)
{
    VV_CLEANUP(context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        return vv_fail_memory(op);
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        return fail_digest(op, "SHA-256");
    int64_t bytes = 0;
    VV_TRY(digest_file(op, path, context, &bytes));
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int value_bytes = 0;
    if (EVP_DigestFinal_ex(context, value, &value_bytes) != 1)
        return fail_digest(op, "SHA-256");
    hex_write(value, value_bytes, out_hex);
    if (out_bytes)
        *out_bytes = bytes;
    return VARVE_OK;
}

uint32_t vv_crc32(struct vv_str bytes)
{
    /* zlib takes a NULL as the wish for the start value, which is the checksum of nothing. */
    return (uint32_t)crc32_z(0, (const unsigned char *)bytes.ptr, bytes.len);
}

uint64_t vv_xxh3(struct vv_str bytes)
{
    return XXH3_64bits(bytes.ptr ? bytes.ptr : "", bytes.len);
}

uint64_t vv_xxh3_seeded(struct vv_str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.ptr ? bytes.ptr : "", bytes.len, seed);
}
