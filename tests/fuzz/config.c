/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration file, and (its first line) --link. What is accepted is within its bounds.
 */
#include "daemon/config.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static void
check(const EhdConfig *config)
{
    FUZZ_CHECK(config->link_n_channels <= EHD_CHANNELS_MAX);
    for (guint i = 0; i < config->link_n_channels; i++)
        FUZZ_CHECK(config->link_channels[i] >= 1 && config->link_channels[i] <= 30);
    FUZZ_CHECK(config->max_sessions >= 1 && config->max_sessions <= 128);
    FUZZ_CHECK(config->trust_max_crl_age_s >= 86400);
    FUZZ_CHECK(config->consent_ms >= 1000 && config->consent_ms <= 3600000);
    FUZZ_CHECK(config->spool_quota >= 1024 * 1024 && config->spool_quota <= G_MAXINT64);
    FUZZ_CHECK(g_path_is_absolute(config->state_directory));
    FUZZ_CHECK(g_path_is_absolute(config->trust_directory));
    FUZZ_CHECK(config->link_directory == NULL || g_path_is_absolute(config->link_directory));
    FUZZ_CHECK(config->link_address == NULL || strlen(config->link_address) == 12);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdConfig) config = ehd_config_new();
    gboolean ok = ehd_config_parse(config, "fuzz", (const char *)data, size, &error);

    FUZZ_CHECK(ok == (error == NULL));
    if (ok)
        check(config);
    g_clear_error(&error);

    g_autofree char *line = g_strndup((const char *)data, MIN(size, 200));
    line[strcspn(line, "\n")] = '\0';
    ok = ehd_config_set_link(config, line, &error);
    FUZZ_CHECK(ok == (error == NULL));
    FUZZ_CHECK(!ok || config->link_type != EHD_LINK_UNIX || config->link_directory != NULL);
    return 0;
}
