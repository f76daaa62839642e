# Lists the targets of a Makefile from its "## name: text" lines, grouped by "###".
# With -v wanted=NAME: says in a line that there is no such target, and which one
# was meant, if any is near.

/^### / { group = substr($0, 5) }

/^## [^ ]+: / {
    name = substr($2, 1, length($2) - 1)
    text = $0; sub(/^## [^ ]+: /, "", text)
    names[++count] = name
    if (wanted != "") next
    if (group != shown) { printf "%s%s\n", (shown ? "\n" : ""), group; shown = group }
    printf "  make %-12s %s\n", name, text
}

END {
    if (wanted == "") exit
    shape = wanted
    sub(/-[^-]*$/, "-N", shape)
    least = 3
    for (i = 1; i <= count; i++) {
        d = distance(shape, names[i])
        if (distance(wanted, names[i]) < d) d = distance(wanted, names[i])
        if (d < least) { least = d; best = names[i] }
    }
    hint = best ? "did you mean " best "?" : "plain make lists them"
    printf "No such target: %s; %s\n", wanted, hint
}

# Insertions, deletions, changes and swaps of neighbours between two words.
function distance(a, b,    i, j, cost, row) {
    for (j = 0; j <= length(b); j++) row[0, j] = j
    for (i = 1; i <= length(a); i++) {
        row[i, 0] = i
        for (j = 1; j <= length(b); j++) {
            cost = substr(a, i, 1) != substr(b, j, 1)
            row[i, j] = row[i - 1, j - 1] + cost
            if (row[i - 1, j] + 1 < row[i, j]) row[i, j] = row[i - 1, j] + 1
            if (row[i, j - 1] + 1 < row[i, j]) row[i, j] = row[i, j - 1] + 1
            if (i > 1 && j > 1 && substr(a, i - 1, 2) == substr(b, j, 1) substr(b, j - 1, 1))
                if (row[i - 2, j - 2] + 1 < row[i, j]) row[i, j] = row[i - 2, j - 2] + 1
        }
    }
    return row[length(a), length(b)]
}
