/* SPDX-License-Identifier: Apache-2.0
 *
 * Trusts nobody: for tests that have a fake core and no state. The daemon with a fake core has
 * the real one.
 */
#include "daemon/store/trust.h"

guint
ehd_trust_count(const EhdTrust *trust)
{
    return 0;
}

const EhdAnchor *
ehd_trust_get(const EhdTrust *trust, guint index)
{
    return NULL;
}
