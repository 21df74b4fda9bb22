# SPDX-License-Identifier: Apache-2.0
# bash completion for ehr-send, ehr-receive, ehr-view and ehrctl; tests/tools/pages.py holds it against the programs.

_ehrlink_words() {
    local cur=${COMP_WORDS[COMP_CWORD]}
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_ehr_send() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    case $prev in
    --acting-as) _ehrlink_words "self parent guardian caregiver"; return ;;
    --only) _ehrlink_words "Patient-Summaries Electronic-Prescriptions Electronic-Dispensations Medical-Imaging Laboratory-Reports Discharge-Reports other"; return ;;
    --exclude) _ehrlink_words "section: category: id:"; return ;;
    --include) _ehrlink_words "section:"; return ;;
    --to | --timeout | --since | --until | --last | --type) return ;;
    --from | --replies) compopt -o dirnames; return ;;
    esac
    case $cur in
    -*) _ehrlink_words "--yes --to --timeout --acting-as --receipt --replies --from --only --since --until --last --type --exclude --include --wait-filed --new --json --quiet --version --help" ;;
    *) compopt -o default ;;
    esac
}

_ehr_receive() {
    local prev=${COMP_WORDS[COMP_CWORD - 1]}
    case $prev in
    --output | --on-filed | --reply | --expect-patient) compopt -o default; return ;;
    --request) _ehrlink_words "Patient-Summaries Electronic-Prescriptions Electronic-Dispensations Medical-Imaging Laboratory-Reports Discharge-Reports other"; return ;;
    --purpose) _ehrlink_words "TREAT ETREAT PATRQT HPAYMT HOPERAT PUBHLTH HRESCH"; return ;;
    --operator-assurance) _ehrlink_words "stated logged-in card"; return ;;
    --file) _ehrlink_words "ask later auto"; return ;;
    --policy) _ehrlink_words "warn refuse"; return ;;
    --type | --since | --until | --last | --id | --pick) return ;;
    --timeout | --text | --operator | --operator-role | --operator-id | --period-days | --retention-days) return ;;
    esac
    _ehrlink_words "--output --request --type --since --until --last --id --list --pick --reply --expect-patient --purpose --period-days --retention-days --text --operator --operator-role --operator-id --operator-assurance --once --timeout --file --policy --on-filed --unverified --json --quiet --version --help"
}

_ehr_view() {
    local cur=${COMP_WORDS[COMP_CWORD]}
    case $cur in
    -*) _ehrlink_words "--check --narrative --html --json --quiet --version --help" ;;
    *) compopt -o default ;;
    esac
}

_ehrctl() {
    case ${COMP_WORDS[1]} in
    identity) [ "$COMP_CWORD" = 2 ] && { _ehrlink_words "show init import"; return; } ;;
    trust) [ "$COMP_CWORD" = 2 ] && { _ehrlink_words "list add remove"; return; } ;;
    session) [ "$COMP_CWORD" = 2 ] && { _ehrlink_words "list file discard cancel"; return; } ;;
    receipt) case $COMP_CWORD in
        2) _ehrlink_words "verify"; return ;;
        *) [[ $cur == -* ]] && { _ehrlink_words "--files --crl --json"; return; } ;;
        esac ;;
    esac
    if [ "$COMP_CWORD" = 1 ]; then
        _ehrlink_words "status doctor identity trust session receipt help --json --version --help"
    else
        compopt -o default
    fi
}

complete -F _ehr_send ehr-send
complete -F _ehr_receive ehr-receive
complete -F _ehr_view ehr-view
complete -F _ehrctl ehrctl
