/* SPDX-License-Identifier: Apache-2.0
 *
 * Which elements of a resource that stays are about other entries: what it says of them, and
 * what it points to with words, a number, or a copy inside.
 */
#include <string.h>

#include "lib/record/cut-private.h"

gboolean
erec_cut_is_talk(const char *key)
{
    static const char *const keys[] = {"note",
                                       "reasonCode",
                                       "reason",
                                       "statusReason",
                                       "progress",
                                       "conclusion",
                                       "conclusionCode",
                                       "presentedForm",
                                       "comment",
                                       "evidence",
                                       "summary",
                                       "prognosisCodeableConcept",
                                       "investigation",
                                       "patientInstruction",
                                       "supportingInfo",
                                       "supportingInformation",
                                       NULL};

    return key != NULL && g_strv_contains(keys, *key == '_' ? key + 1 : key);
}

/* A Reference that says what it points to in words or by a number ("because of: asthma"): what
 * it tells of another entry is not the resource's own. */
gboolean
erec_cut_is_mention(const ErecNode *node)
{
    static const char *const keys[] = {"reasonReference",
                                       "basedOn",
                                       "partOf",
                                       "derivedFrom",
                                       "focus",
                                       "detail",
                                       "condition",
                                       "addresses",
                                       "indication",
                                       "finding",
                                       "result",
                                       "hasMember",
                                       "problem",
                                       "diagnosis",
                                       "complicationDetail",
                                       "item",
                                       "entry",
                                       "relevantHistory",
                                       "outcomeReference",
                                       "encounter",
                                       "context",
                                       "episodeOfCare",
                                       NULL};
    const char *key = node->key;

    if (node->type != EREC_OBJECT)
        return FALSE;
    if (key == NULL && node->parent != NULL)
        key = node->parent->key;
    return key != NULL && g_strv_contains(keys, key) && erec_member(node, "code") == NULL &&
           erec_member(node, "coding") == NULL &&
           (erec_member(node, "display") != NULL || erec_member(node, "identifier") != NULL);
}

/* A problem inside a resource is why it is there, not what it is. */
gboolean
erec_cut_is_inner_problem(const ErecNode *node)
{
    return node->type == EREC_OBJECT && node->key == NULL && node->parent != NULL &&
           g_strcmp0(node->parent->key, "contained") == 0 &&
           erec_text_is(node, "resourceType", "Condition");
}
