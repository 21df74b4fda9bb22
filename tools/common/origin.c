/* SPDX-License-Identifier: Apache-2.0
 *
 * See origin.h. Main thread.
 */
#include "tools/common/origin.h"

#include <string.h>

#include "proto/origin.h"

struct Origin {
    GBytes *bytes; /* owned */
    ehp_proof proof;
};

Origin *
origin_new(GBytes *bytes)
{
    Origin *self = g_new0(Origin, 1);
    ehp_bytes data;

    data.data = g_bytes_get_data(bytes, &data.len);
    if (ehp_proof_open(data, &self->proof) != EHP_OK) {
        g_free(self);
        return NULL;
    }
    self->bytes = g_bytes_ref(bytes);
    return self;
}

void
origin_free(Origin *self)
{
    if (self == NULL)
        return;
    ehp_proof_clear(&self->proof);
    g_bytes_unref(self->bytes);
    g_free(self);
}

static gboolean
same(const ProtobufCBinaryData *field, const uint8_t *hash)
{
    return field->len == EHP_HASH_LEN && memcmp(field->data, hash, EHP_HASH_LEN) == 0;
}

static gboolean
item_is(const ehp_origin *origin, const Ehp__Receipt *receipt, const Content *content, gsize n)
{
    return same(&receipt->session, origin->session) &&
           same(&receipt->request_hash, origin->request_hash) &&
           same(&receipt->manifest_hash, origin->manifest_hash) &&
           origin->transfer == (receipt->has_transfer ? receipt->transfer : 0) &&
           origin->item == n && origin->size == content->size &&
           memcmp(origin->salt, content->salt, EHP_SALT_LEN) == 0 &&
           memcmp(origin->root, content->root, EHP_HASH_LEN) == 0;
}

gboolean
origin_is_of(const Origin *self, const Ehp__Receipt *receipt, const Content *contents, gsize n)
{
    ehp_origin origin;

    if (self->proof.proof->n_item != n)
        return FALSE;
    for (gsize i = 0; i < n; i++)
        if (ehp_proof_item(&self->proof, i, &origin) != EHP_OK ||
            !item_is(&origin, receipt, &contents[i], i))
            return FALSE;
    return TRUE;
}

const char *
origin_get_operator(const Origin *self)
{
    return self->proof.request->operator_ != NULL ? self->proof.request->operator_->display
                                                  : NULL;
}
