/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <string.h>
#include <sys/stat.h>

#include "proto/bounds.h"
#include "tests/daemon/store/scratch.h"

static void
test_defaults(void)
{
    g_autoptr(EhdConfig) config = ehd_config_new();
    g_assert_null(config->reader);
    g_assert_cmpint(config->link_type, ==, EHD_LINK_BLUETOOTH);
    g_assert_cmpint(config->armed_ms, ==, EHP_ARMED_MS);
    g_assert_cmpint(config->trust_max_crl_age_s, ==, 7 * 86400);
    g_assert_false(config->trust_allow_unchecked);
    g_assert_false(config->kiosk);
    g_assert_true(g_path_is_absolute(config->state_directory));
    g_assert_true(g_path_is_absolute(ehd_config_default_path));
}

static void
test_whole(void)
{
    static const char text[] = "# a comment\n"
                               "[nfc]\nreader=pn532_uart:/dev/ttyUSB0:115200\n"
                               "[link]\ntype=unix\ndirectory=/run/link\n"
                               "address=aa:bb:cc:dd:ee:ff\nchannels=22,7-12,8\n"
                               "[trust]\ndirectory=/etc/anchors\nmax-crl-age-days=3\n"
                               "allow-unchecked-revocation=true\n"
                               "[session]\narmed-timeout=0\nconsent-timeout=60\n"
                               "filing-timeout=0\nconnect-timeout=5\nidle-timeout=6\n"
                               "resume-timeout=7\ntake-up-timeout=9\nmax-sessions=2\nmax-"
                               "sessions-per-user=1\nkiosk=yes\n"
                               "[store]\nstate-directory=/var/lib/x\nspool-quota=2G\n"
                               "min-free=100\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdConfig) config = ehd_config_new();
    g_assert_true(ehd_config_parse(config, "test", text, strlen(text), &error));
    g_assert_no_error(error);
    g_assert_cmpstr(config->reader, ==, "pn532_uart:/dev/ttyUSB0:115200");
    g_assert_cmpint(config->link_type, ==, EHD_LINK_UNIX);
    g_assert_cmpstr(config->link_directory, ==, "/run/link");
    g_assert_cmpstr(config->link_address, ==, "AABBCCDDEEFF");
    g_assert_cmpmem(config->link_channels, config->link_n_channels,
                    ((guint8[]){22, 7, 8, 9, 10, 11, 12}), 7);
    g_assert_cmpstr(config->trust_directory, ==, "/etc/anchors");
    g_assert_cmpint(config->trust_max_crl_age_s, ==, 3 * 86400);
    g_assert_true(config->trust_allow_unchecked);
    g_assert_cmpint(config->armed_ms, ==, 0);
    g_assert_cmpint(config->consent_ms, ==, 60000);
    g_assert_cmpint(config->filing_ms, ==, 0);
    g_assert_cmpint(config->connect_ms, ==, 5000);
    g_assert_cmpint(config->idle_ms, ==, 6000);
    g_assert_cmpint(config->resume_ms, ==, 7000);
    g_assert_cmpint(config->take_up_ms, ==, 9000);
    g_assert_cmpint(config->max_sessions, ==, 2);
    g_assert_cmpint(config->max_sessions_per_user, ==, 1);
    g_assert_true(config->kiosk);
    g_assert_cmpstr(config->state_directory, ==, "/var/lib/x");
    g_assert_cmpint(config->spool_quota, ==, G_GUINT64_CONSTANT(2) << 30);
    g_assert_cmpint(config->min_free, ==, 100);
}

/* What each message must name: file, group, key. */
static void
test_refused(void)
{
    static const struct {
        const char *text;
        const char *named;
    } table[] = {
        {"[nfc]\nreaders=x\n", "[nfc] readers: there is no such key"},
        {"[usb]\nx=y\n", "[usb]: there is no such group"},
        {"[usb]\n", "[usb]: there is no such group"},
        {"[nfc]\nreader=\n", "[nfc] reader: must be"},
        {"[nfc]\nreader=a\xc3\xa4\n", "[nfc] reader: must be"},
        {"[link]\ntype=tcp\n", "[link] type: must be bluetooth or unix"},
        {"[link]\ndirectory=run\n", "[link] directory: must be an absolute path"},
        {"[link]\naddress=AABBCCDDEE\n", "[link] address"},
        {"[link]\naddress=AABBCCDDEEFF0\n", "[link] address"},
        {"[link]\naddress=AA::BBCCDDEEFF\n", "[link] address"},
        {"[link]\naddress=GGBBCCDDEEFF\n", "[link] address"},
        {"[link]\nchannels=0\n", "[link] channels"},
        {"[link]\nchannels=31\n", "[link] channels"},
        {"[link]\nchannels=9-8\n", "[link] channels"},
        {"[link]\nchannels=\n", "[link] channels"},
        {"[link]\nchannels=1-2-3\n", "[link] channels"},
        {"[link]\nchannels=7,\n", "[link] channels"},
        {"[link]\nchannels=7,31\n", "[link] channels"},
        {"[trust]\nmax-crl-age-days=0\n", "[trust] max-crl-age-days"},
        {"[trust]\nmax-crl-age-days=366\n", "[trust] max-crl-age-days"},
        {"[trust]\nmax-crl-age-days=-1\n", "[trust] max-crl-age-days"},
        {"[trust]\nallow-unchecked-revocation=maybe\n", "allow-unchecked-revocation"},
        {"[trust]\nallow-unchecked-revocation=\n", "allow-unchecked-revocation"},
        {"[session]\nconsent-timeout=0\n", "[session] consent-timeout"},
        {"[session]\nconsent-timeout=99999999999999999999\n", "[session] consent-timeout"},
        {"[session]\nconsent-timeout=60s\n", "[session] consent-timeout"},
        {"[session]\nmax-sessions=0\n", "[session] max-sessions"},
        {"[session]\nmax-sessions=129\n", "[session] max-sessions"},
        {"[session]\nmax-sessions-per-user=129\n", "[session] max-sessions-per-user"},
        {"[store]\nspool-quota=1\n", "[store] spool-quota"},
        {"[store]\nspool-quota=99999999T\n", "[store] spool-quota"},
        {"[store]\nspool-quota=K\n", "[store] spool-quota"},
        {"[store]\nspool-quota=1.5G\n", "[store] spool-quota"},
        {"[store]\nstate-directory=\n", "[store] state-directory"},
        {"reader=x\n", "test: "},
        {"[nfc\nreader=x\n", "test: "},
        {"[nfc]\nreader\n", "test: "},
        {"\xff\xfe", "test: "},
    };
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(EhdConfig) config = ehd_config_new();
        g_assert_false(
            ehd_config_parse(config, "test", table[i].text, strlen(table[i].text), &error));
        g_assert_nonnull(strstr(error->message, table[i].named));
        g_assert_true(g_str_has_prefix(error->message, "test: "));
        scratch_expect(&error, EHP_CONFIG_INVALID);
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdConfig) config = ehd_config_new();
    g_assert_false(ehd_config_parse(config, "test", "[nfc]\n\0x", 8, &error));
    scratch_expect(&error, EHP_CONFIG_INVALID);
    g_autofree char *big = g_strnfill(70000, '#');
    g_assert_false(ehd_config_parse(config, "test", big, 70000, &error));
    scratch_expect(&error, EHP_CONFIG_INVALID);
    g_assert_true(ehd_config_parse(config, "test", "", 0, &error));
}

static void
test_files(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = scratch_new();
    g_autofree char *path = g_build_filename(directory, "ehrlinkd.conf", NULL);
    g_autofree char *drop_ins = g_strconcat(path, ".d", NULL);
    g_autofree char *file = g_build_filename(drop_ins, "20-b.conf", NULL);
    g_assert_null(ehd_config_load(path, &error)); /* given, and missing */
    scratch_expect(&error, EHP_CONFIG_INVALID);

    scratch_put(directory, "ehrlinkd.conf", "[session]\nmax-sessions=1\nkiosk=true\n", -1);
    g_assert_cmpint(mkdir(drop_ins, 0755), ==, 0);
    scratch_put(drop_ins, "20-b.conf", "[session]\nmax-sessions=3\n", -1);
    scratch_put(drop_ins, "10-a.conf", "[session]\nmax-sessions=2\n", -1);
    scratch_put(drop_ins, "30-c.conf~", "junk", -1);
    g_autoptr(EhdConfig) config = ehd_config_load(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(config->max_sessions, ==, 3);
    g_assert_true(config->kiosk);

    scratch_put(drop_ins, "20-b.conf", "[session]\nbogus=3\n", -1);
    g_assert_null(ehd_config_load(path, &error));
    g_assert_nonnull(strstr(error->message, "20-b.conf: [session] bogus"));
    scratch_expect(&error, EHP_CONFIG_INVALID);

    scratch_put(drop_ins, "20-b.conf", "[session]\n", -1);
    const struct {
        const char *path;
        mode_t mode;
        mode_t mended;
    } modes[] = {
        {file, 0666, 0644}, {file, 0620, 0600}, {drop_ins, 0777, 0755}, {path, 0602, 0644}};
    for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_assert_cmpint(chmod(modes[i].path, modes[i].mode), ==, 0);
        g_assert_null(ehd_config_load(path, &error));
        g_assert_nonnull(strstr(error->message, "may be written by others"));
        scratch_expect(&error, EHP_CONFIG_INVALID);
        g_assert_cmpint(chmod(modes[i].path, modes[i].mended), ==, 0);
    }
    scratch_put(directory, "ehrlinkd.conf", "[link]\ntype=unix\n", -1);
    g_assert_null(ehd_config_load(path, &error));
    g_assert_nonnull(strstr(error->message, "[link] directory"));
    scratch_expect(&error, EHP_CONFIG_INVALID);
    g_assert_null(ehd_config_load(directory, &error)); /* not a file */
    scratch_expect(&error, EHP_CONFIG_INVALID);
    scratch_free(g_steal_pointer(&directory));
}

static void
test_link(void)
{
    static const struct {
        const char *text;
        EhdLinkType type;
        const char *directory;
        const char *address;
    } good[] = {
        {"unix:/run/x", EHD_LINK_UNIX, "/run/x", NULL},
        {"unix:/run/x:AABBCCDDEEFF", EHD_LINK_UNIX, "/run/x", "AABBCCDDEEFF"},
        {"unix:/run/x:aa:bb:cc:dd:ee:ff", EHD_LINK_UNIX, "/run/x", "AABBCCDDEEFF"},
        {"bluetooth", EHD_LINK_BLUETOOTH, NULL, NULL},
        {"bluetooth:AA:BB:CC:DD:EE:FF", EHD_LINK_BLUETOOTH, NULL, "AABBCCDDEEFF"},
    };
    static const char *const bad[] = {"",
                                      "unix",
                                      "unix:",
                                      "unix:run",
                                      "tcp:1",
                                      "unix:/run/x:",
                                      "unix:/run/x:AA",
                                      "bluetooth:",
                                      "bluetooth:/run/x"};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(EhdConfig) config = ehd_config_new();
        g_assert_true(ehd_config_set_link(config, good[i].text, &error));
        g_assert_cmpint(config->link_type, ==, good[i].type);
        g_assert_cmpstr(config->link_directory, ==, good[i].directory);
        g_assert_cmpstr(config->link_address, ==, good[i].address);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(EhdConfig) config = ehd_config_new();
        g_assert_false(ehd_config_set_link(config, bad[i], &error));
        scratch_expect(&error, EHP_CONFIG_INVALID);
    }
}

/* The file that is installed, its comments taken off, is a configuration of nothing but
 * defaults; it and the manual page know every key. */
static void
test_documented(void)
{
    const char *source = g_getenv("EHRLINK_SOURCE");
    if (source == NULL) {
        g_test_skip("EHRLINK_SOURCE (the top of the source tree) is not set");
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *text = scratch_get(source, "systemd/ehrlinkd.conf", NULL);
    g_autofree char *page = scratch_get(source, "tools/man/ehrlinkd.conf.5.scd", NULL);
    g_autoptr(EhdConfig) config = ehd_config_new();
    g_assert_true(ehd_config_parse(config, "shipped", text, strlen(text), &error));
    g_autoptr(GRegex) commented = g_regex_new("^#([a-z-]+=)", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *bare = g_regex_replace(commented, text, -1, 0, "\\1", 0, NULL);
    ehd_config_parse(config, "bare", bare, strlen(bare), &error);
    g_assert_no_error(error);
    g_autoptr(EhdConfig) wanted = ehd_config_new();
    g_assert_null(config->reader);
    g_assert_cmpint(config->link_type, ==, wanted->link_type);
    g_assert_cmpmem(config->link_channels, config->link_n_channels, wanted->link_channels,
                    wanted->link_n_channels);
    g_assert_cmpint(config->trust_max_crl_age_s, ==, wanted->trust_max_crl_age_s);
    g_assert_cmpint(config->trust_allow_unchecked, ==, wanted->trust_allow_unchecked);
    g_assert_cmpint(config->armed_ms, ==, wanted->armed_ms);
    g_assert_cmpint(config->consent_ms, ==, wanted->consent_ms);
    g_assert_cmpint(config->filing_ms, ==, wanted->filing_ms);
    g_assert_cmpint(config->connect_ms, ==, wanted->connect_ms);
    g_assert_cmpint(config->idle_ms, ==, wanted->idle_ms);
    g_assert_cmpint(config->resume_ms, ==, wanted->resume_ms);
    g_assert_cmpint(config->take_up_ms, ==, wanted->take_up_ms);
    g_assert_cmpint(config->max_sessions, ==, wanted->max_sessions);
    g_assert_cmpint(config->max_sessions_per_user, ==, wanted->max_sessions_per_user);
    g_assert_cmpint(config->kiosk, ==, wanted->kiosk);
    g_assert_cmpint(config->spool_quota, ==, wanted->spool_quota);
    g_assert_cmpint(config->min_free, ==, wanted->min_free);
    g_assert_cmpint(config->audit_quota, ==, wanted->audit_quota);
    const char *group = NULL;
    const char *key = NULL;
    for (guint i = 0; ehd_config_key_at(i, &group, &key); i++) {
        g_autofree char *in_file = g_strdup_printf("\n#%s=", key);
        g_autofree char *in_page = g_strdup_printf("\n*%s*\n", key);
        g_assert_nonnull(strstr(text, in_file));
        g_assert_nonnull(strstr(page, in_page));
    }
}

/* What only a start changes stays, and is named; the rest is the new one's. */
static void
test_hold_back(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdConfig) now = ehd_config_new();
    g_autoptr(EhdConfig) next = ehd_config_new();
    static const char text[] = "[nfc]\nreader=acr122_usb:001:002\n"
                               "[link]\ntype=unix\ndirectory=/run/x\nchannels=7\n"
                               "[trust]\ndirectory=/t\nmax-crl-age-days=3\n"
                               "[session]\nkiosk=true\n[store]\nspool-quota=2M\n";

    g_assert_null(ehd_config_hold_back(next, now));
    ehd_config_parse(next, "test", text, strlen(text), &error);
    g_assert_no_error(error);
    g_autofree char *held = ehd_config_hold_back(next, now);
    g_assert_cmpstr(held, ==,
                    "[nfc] reader, [link] type, [link] directory, [link] channels, "
                    "[trust] directory");
    g_assert_null(next->reader);
    g_assert_cmpint(next->link_type, ==, EHD_LINK_BLUETOOTH);
    g_assert_null(next->link_directory);
    g_assert_cmpmem(next->link_channels, next->link_n_channels, now->link_channels,
                    now->link_n_channels);
    g_assert_cmpstr(next->trust_directory, ==, now->trust_directory);
    g_assert_cmpint(next->trust_max_crl_age_s, ==, 3 * 86400);
    g_assert_true(next->kiosk);
    g_assert_cmpuint(next->spool_quota, ==, 2 * 1024 * 1024);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/defaults", test_defaults);
    g_test_add_func("/config/whole", test_whole);
    g_test_add_func("/config/refused", test_refused);
    g_test_add_func("/config/files", test_files);
    g_test_add_func("/config/link", test_link);
    g_test_add_func("/config/hold-back", test_hold_back);
    g_test_add_func("/config/documented", test_documented);
    return g_test_run();
}
