# Completion of virtdiag for fish. SPDX-License-Identifier: LGPL-2.1-or-later
#
# The program knows what may stand where; this only asks it.

function __virtdiag_complete
    set -l words (commandline -opc)
    # The word at the cursor, without the quote it may begin with.
    set -l current (commandline -ct | string replace -r '^["\']' '' | string unescape)
    set -l lines (command $words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    # --option=PATH: fish replaces the whole of it.
    set -l head (string match -r -- '^--[^=]*=' "$current")
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$lines[1]"
        case ':files*'
            __fish_complete_path "$path" | string replace -r -- '^' "$head"
        case ':dirs*'
            __fish_complete_directories "$path" | string replace -r -- '^' "$head"
        case '*'
            printf '%s\n' $lines[2..-1]
    end
end

complete -c virtdiag -f -k -a '(__virtdiag_complete)'
