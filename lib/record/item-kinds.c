/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of rarer types: wishes, relatives, what came of a vaccination, how far an
 * illness is.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/item-facts.h"
#include "lib/record/words.h"

/* What somebody wants, or wants not: the one word that turns it round comes first. */
static void
take_consent(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    const ErecNode *provision = erec_member(resource, "provision");
    const char *type = erec_text(provision, "type");

    if (g_strcmp0(type, "deny") == 0)
        erec_fact_word(item->facts, "", N_("FORBIDS"));
    else if (g_strcmp0(type, "permit") == 0)
        erec_fact_word(item->facts, "", N_("PERMITS"));
    else
        erec_fact_word(item->facts, "", N_("whether it permits or forbids is not stated"));
    erec_item_add_concepts(reading, item, provision, "action", N_("what"));
    erec_item_add_concepts(reading, item, provision, "code", N_("what"));
    erec_item_add_concepts(reading, item, resource, "policyRule", N_("rule"));
    erec_fact_text(
        item->facts, N_("valid"),
        erec_words_choice(erec_member(provision, "period"), reading->language, NULL));
    erec_item_take_end(reading, item, erec_text(provision, "period.end"));
    if (erec_each(provision, "provision") != NULL)
        erec_fact_word(item->facts, "", N_("WITH EXCEPTIONS, not shown here"));
    if (erec_member(provision, "actor") != NULL || erec_member(provision, "class") != NULL ||
        erec_member(provision, "purpose") != NULL || erec_member(provision, "data") != NULL ||
        erec_member(provision, "dataPeriod") != NULL ||
        erec_member(provision, "securityLabel") != NULL)
        erec_fact_word(item->facts, "",
                       N_("FOR CERTAIN PEOPLE, PURPOSES OR DATA, not shown here"));
}

static void
take_family(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    for (const ErecNode *at = erec_each(resource, "condition"); at != NULL;
         at = erec_each_next(at)) {
        erec_item_add_concepts(reading, item, at, "code", N_("illness of this relative"));
        erec_item_add_choice(reading, item, at, "onset", N_("since"));
        erec_item_add_concepts(reading, item, at, "outcome", N_("outcome"));
    }
}

static void
take_immunization(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    for (const ErecNode *at = erec_each(resource, "reaction"); at != NULL;
         at = erec_each_next(at)) {
        char *name =
            erec_name_of(reading, item->entry, resource, erec_member(at, "detail"), NULL);

        erec_fact_word(item->facts, "", N_("A REACTION TO IT IS ON RECORD"));
        erec_fact_text(item->facts, N_("reaction"), name);
        erec_fact_text(item->facts, N_("reaction on"), g_strdup(erec_text(at, "date")));
    }
}

static void
take_condition(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    for (const ErecNode *at = erec_each(resource, "stage"); at != NULL; at = erec_each_next(at))
        erec_item_add_concepts(reading, item, at, "summary", N_("stage"));
}

void
erec_item_take_kind(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    static const struct {
        const char *type;
        void (*take)(ErecReading *reading, ErecItem *item, const ErecNode *resource);
    } kinds[] = {
        {"Consent", take_consent},
        {"FamilyMemberHistory", take_family},
        {"Immunization", take_immunization},
        {"Condition", take_condition},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].type, item->type) == 0)
            kinds[i].take(reading, item, resource);
}

/* Of all others a reader must know that there is more. */
gboolean
erec_item_is_shown_whole(const char *type)
{
    static const char *const types[] = {"AllergyIntolerance",
                                        "Condition",
                                        "Procedure",
                                        "Immunization",
                                        "DiagnosticReport",
                                        "Observation",
                                        "Flag",
                                        "Encounter",
                                        "DeviceUseStatement",
                                        "Device",
                                        "DocumentReference",
                                        "ImagingStudy",
                                        "Media",
                                        "FamilyMemberHistory",
                                        "Consent",
                                        NULL};

    return g_str_has_prefix(type, "Medication") || g_strv_contains(types, type);
}
