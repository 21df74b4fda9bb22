/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages between daemon and ehrlink-bt: every type there and back, and what is refused.
 */
#include <glib.h>
#include <string.h>

#include "daemon/radio/wire.h"

#define OWN                                                                                    \
    {                                                                                          \
        0, 0xaa, 1, 0, 0, 0x42                                                                 \
    }
#define PEER                                                                                   \
    {                                                                                          \
        0, 0xaa, 1, 1, 0, 0x42                                                                 \
    }

static const guint8 oob[EHD_RADIO_OOB_LEN] = {1, 2, 3};

static const EhdRadioMessage good[] = {
    {.type = EHD_RADIO_CONNECT, .id = 7, .own = OWN, .peer = PEER, .channel = 30, .seconds = 60},
    {.type = EHD_RADIO_CONNECT, .id = 7, .peer = PEER, .channel = 1, .seconds = 1},
    {.type = EHD_RADIO_CANCEL, .id = 0xffffffff},
    {.type = EHD_RADIO_GET_FAST, .id = 1, .own = OWN},
    {.type = EHD_RADIO_SET_FAST, .id = 1, .own = OWN, .value = 1},
    {.type = EHD_RADIO_READ_OOB, .id = 1, .own = OWN},
    {.type = EHD_RADIO_ADD_OOB, .id = 1, .own = OWN, .peer = PEER, .data = oob, .len = 64},
    {.type = EHD_RADIO_REMOVE_OOB, .id = 1, .own = OWN, .peer = PEER},
    {.type = EHD_RADIO_HELLO, .id = EHP_STATUS_COUNT, .value = EHD_RADIO_WIRE_VERSION},
    {.type = EHD_RADIO_CONNECTED, .id = 1},
    {.type = EHD_RADIO_DONE, .id = 1, .value = 1},
    {.type = EHD_RADIO_DONE, .id = 1, .data = oob, .len = 64},
    {.type = EHD_RADIO_FAILED, .id = 1, .status = EHP_LINK_LOST},
    {.type = EHD_RADIO_FAILED,
     .id = 1,
     .status = EHP_PAIRING_REFUSED,
     .data = (const guint8 *)"why",
     .len = 3},
};

static void
test_there_and_back(void)
{
    guint8 bytes[EHD_RADIO_MESSAGE_MAX], again[EHD_RADIO_MESSAGE_MAX];
    EhdRadioMessage parsed;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        gboolean daemon = good[i].type < EHD_RADIO_HELLO;
        gsize len = ehd_radio_wire_build(bytes, &good[i]);

        g_assert_cmpuint(len, >=, EHD_RADIO_HEADER_LEN);
        g_assert_cmpint(ehd_radio_wire_parse(&parsed, bytes, len,
                                             daemon ? EHD_RADIO_FROM_DAEMON
                                                    : EHD_RADIO_FROM_HELPER),
                        ==, EHP_OK);
        g_assert_cmpint(parsed.id, ==, good[i].id);
        g_assert_cmpuint(ehd_radio_wire_build(again, &parsed), ==, len);
        g_assert_cmpmem(again, len, bytes, len);
        /* the other side may not say it */
        g_assert_cmpint(ehd_radio_wire_parse(&parsed, bytes, len,
                                             daemon ? EHD_RADIO_FROM_HELPER
                                                    : EHD_RADIO_FROM_DAEMON),
                        ==, EHP_BAD_MESSAGE);
        /* nor may it be longer or shorter, but for a detail */
        if (good[i].type != EHD_RADIO_FAILED)
            g_assert_cmpint(ehd_radio_wire_parse(&parsed, bytes, len - 1,
                                                 daemon ? EHD_RADIO_FROM_DAEMON
                                                        : EHD_RADIO_FROM_HELPER),
                            ==, EHP_BAD_MESSAGE);
    }
}

static void
test_refused(void)
{
    static const EhdRadioMessage bad[] = {
        {.type = EHD_RADIO_CONNECT, .peer = PEER, .channel = 1, .seconds = 1}, /* no id */
        {.type = EHD_RADIO_CONNECT, .id = 1, .channel = 1, .seconds = 1},      /* no peer */
        {.type = EHD_RADIO_CONNECT, .id = 1, .peer = PEER, .channel = 0, .seconds = 1},
        {.type = EHD_RADIO_CONNECT, .id = 1, .peer = PEER, .channel = 31, .seconds = 1},
        {.type = EHD_RADIO_CONNECT, .id = 1, .peer = PEER, .channel = 1, .seconds = 0},
        {.type = EHD_RADIO_CONNECT, .id = 1, .peer = PEER, .channel = 1, .seconds = 61},
        {.type = EHD_RADIO_CANCEL, .id = 1, .peer = PEER},
        {.type = EHD_RADIO_SET_FAST, .id = 1, .own = OWN, .value = 2},
        {.type = EHD_RADIO_GET_FAST, .id = 1, .own = OWN, .value = 1},
        {.type = EHD_RADIO_ADD_OOB, .id = 1, .own = OWN, .peer = PEER, .data = oob, .len = 63},
        {.type = EHD_RADIO_FAILED, .id = 1},
        {.type = EHD_RADIO_FAILED, .id = 1, .status = EHP_STATUS_COUNT},
        {.type = EHD_RADIO_DONE, .id = 1, .status = EHP_LINK_LOST},
        {.type = (EhdRadioType)8, .id = 1},
        {.type = (EhdRadioType)0, .id = 1},
    };
    guint8 bytes[EHD_RADIO_MESSAGE_MAX];

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpuint(ehd_radio_wire_build(bytes, &bad[i]), ==, 0);
}

static void
test_long_detail(void)
{
    g_autofree char *text = g_strnfill(EHD_RADIO_DETAIL_MAX - 1, 'x');
    g_autofree char *detail = g_strconcat(text, "\xc3\xa4", NULL);
    guint8 bytes[EHD_RADIO_MESSAGE_MAX];
    EhdRadioMessage message = {.type = EHD_RADIO_FAILED,
                               .id = 1,
                               .status = EHP_LINK_LOST,
                               .data = (const guint8 *)detail,
                               .len = strlen(detail)};

    /* cut before the character that does not fit */
    g_assert_cmpuint(ehd_radio_wire_build(bytes, &message), ==,
                     EHD_RADIO_HEADER_LEN + EHD_RADIO_DETAIL_MAX - 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/radio/wire/there-and-back", test_there_and_back);
    g_test_add_func("/radio/wire/refused", test_refused);
    g_test_add_func("/radio/wire/long-detail", test_long_detail);
    return g_test_run();
}
