# Used by layers.sh with five files: the table, known circles, files, includes ("FILE:LINE:TEXT"), symbols (nm -A -P).
FNR == 1 { part++ }

function complain(text) { print "layer broken: " text; failed = 1 }

# The layer with the longest prefix of a path.
function layer_of(path,    p, best, length_of_best) {
    length_of_best = 0
    for (p in layer_with)
        if (index(path, p) == 1 && length(p) > length_of_best) { best = layer_with[p]; length_of_best = length(p) }
    return best
}

# Where an include leads: a file of the project, MPI, HDF5, or "" for everything else.
function target_of(path, file,    folder) {
    if (path ~ /^mpi\.h$/) return "MPI"
    if (path ~ /^(hdf5|H5)/) return "HDF5"
    if (path ~ /^bundlepool\//) return "include/" path
    if (("src/" path) in exists) return "src/" path
    if (path in exists) return path
    folder = file
    sub(/[^\/]*$/, "", folder)
    return (folder path) in exists ? folder path : ""
}

function may_use(from, to) { return from == to || (from, to) in allowed }

part == 1 && $1 == "layer" {
    order[++layers] = $2
    n = split($3, prefixes, ",")
    for (i = 1; i <= n; i++) layer_with[prefixes[i]] = $2
    for (i = 4; i <= NF; i++) allowed[$2, $i] = 1
}
part == 1 && $1 == "object" { layer_of_object[$3] = $2; num_objects[$2]++ }

part == 2 && !/^#/ {
    circle = $1
    for (i = 2; i <= NF; i++) circle = circle " " $i
    known[circle] = 1
}

part == 3 { exists[$1] = 1; num_files[layer_of($1)]++ }

part == 4 {
    split($0, field, ":")
    file = field[1]
    quoted = $0 ~ /include[ \t]*"/
    path = $0
    sub(/^[^"<]*["<]/, "", path)
    sub(/[">].*/, "", path)
    to = target_of(path, file)
    if (to == "" && quoted) complain(file ":" field[2] ": \"" path "\" is no file of a layer")
    if (to == "") next
    from = layer_of(file)
    to = to == "MPI" || to == "HDF5" ? to : layer_of(to)
    includes[from, to]++
    if (!may_use(from, to)) complain(file ":" field[2] ": " from " includes \"" path "\" of " to)
}

# "PATH: SYMBOL TYPE …"
part == 5 {
    object = $1
    sub(/:$/, "", object)
    if ($3 ~ /^[Uwv]$/) needs[object, $2] = 1
    else definers[$2] = definers[$2] " " object
}

function short(object) { sub(/.*\//, "", object); sub(/(\.c)?\.o$/, "", object); return object }

# Which of the objects that define a symbol an object of this layer gets: programs may share a file.
function definer(symbol, from,    list, n, i, best) {
    n = split(definers[symbol], list, " ")
    best = list[1]
    for (i = n; i > 0; i--)
        if (may_use(from, layer_of_object[list[i]])) best = list[i]
    for (i = 1; i <= n; i++)
        if (layer_of_object[list[i]] == from) best = list[i]
    return best
}

function check_calls(    pair, key, from, to, by) {
    for (key in needs) {
        split(key, pair, SUBSEP)
        from = layer_of_object[pair[1]]
        if (!(pair[2] in definers)) {
            if (pair[2] ~ /^bp_/ && whole) complain(short(pair[1]) " of " from " needs " pair[2] ", which nothing defines")
            continue
        }
        by = definer(pair[2], from)
        to = layer_of_object[by]
        if (!((from, to, pair[2]) in seen)) { seen[from, to, pair[2]] = 1; calls[from, to]++ }
        if (!may_use(from, to))
            complain(short(pair[1]) " of " from " calls " pair[2] " of " to " (" short(by) ")")
        if (from == to && pair[1] != by) reaches[pair[1], by] = 1
    }
}

# Circles of files: those that reach each other, as one list.
function check_circles(    a, b, c, n, list, name, circle, first) {
    for (a in layer_of_object) list[++n] = a
    for (c = 1; c <= n; c++)
        for (a = 1; a <= n; a++)
            if ((list[a], list[c]) in reaches)
                for (b = 1; b <= n; b++)
                    if ((list[c], list[b]) in reaches) reaches[list[a], list[b]] = 1
    for (a = 1; a <= n; a++) name[a] = list[a]
    for (a = 1; a <= n; a++) { # by name, so that a circle is always told in the same order
        for (b = a + 1; b <= n; b++)
            if (short(name[b]) < short(name[a])) { c = name[a]; name[a] = name[b]; name[b] = c }
    }
    for (a = 1; a <= n; a++) {
        if (name[a] in told) continue
        circle = layer_of_object[name[a]]
        first = 1
        for (b = 1; b <= n; b++)
            if ((name[a], name[b]) in reaches && (name[b], name[a]) in reaches) {
                circle = circle " " short(name[b])
                told[name[b]] = 1
                first = 0
            }
        if (first) continue
        if (circle in known) { print "known circle: " circle; used[circle] = 1 }
        else complain("circle of calls: " circle)
    }
    for (circle in known)
        if (!(circle in used) && whole) complain("no circle any more, take it off the list: " circle)
}

function listed(count, from,    i, text) {
    text = ""
    for (i = 1; i <= layers + 2; i++)
        if (count[from, order[i]]) text = text (text ? ", " : "") order[i] " " count[from, order[i]]
    return text ? text : "-"
}

END {
    order[layers + 1] = "MPI"
    order[layers + 2] = "HDF5"
    whole = num_objects["door"] > 0 # this build has the whole library
    check_calls()
    check_circles()
    printf "%-10s %5s  %-68s %s\n", "layer", "files", "includes of", "symbols of"
    for (i = 1; i <= layers; i++)
        if (num_files[order[i]])
            printf "%-10s %5d  %-68s %s\n", order[i], num_files[order[i]], listed(includes, order[i]),
                   num_objects[order[i]] ? listed(calls, order[i]) : "(no objects)"
    print failed ? "layers are broken" : "layers hold"
    exit failed
}
