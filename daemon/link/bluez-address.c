/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses (bluez-address.h).
 */
#include "daemon/link/bluez-address.h"

#include <string.h>

gboolean
ehd_bluez_address_parse(const char *text, guint8 address[6])
{
    gsize step = strlen(text) == 17 ? 3 : 2;
    guint8 parsed[6];

    if (strlen(text) != 6 * step - (step == 3 ? 1 : 0))
        return FALSE;
    for (guint i = 0; i < 6; i++) {
        int high = g_ascii_xdigit_value(text[i * step]);
        int low = g_ascii_xdigit_value(text[i * step + 1]);

        if (high < 0 || low < 0 || (step == 3 && i < 5 && text[i * step + 2] != ':'))
            return FALSE;
        parsed[i] = (guint8)(high << 4 | low);
    }
    memcpy(address, parsed, sizeof parsed);
    return TRUE;
}
