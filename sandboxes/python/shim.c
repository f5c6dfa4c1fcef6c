/* The Python guest's outer side: CPython as a reactor that is booted once, frozen
 * into a snapshot, and from then on takes one message after another.
 *
 * ABI `goldstone-1`, described in docs/sandbox.md. What is exported:
 *   wizer.initialize()            boots from the archive on standard input
 *   guest_alloc(len) -> ptr       room for a message
 *   guest_turn(ptr, len) -> int   the harness' `turn`, called with that message
 *
 * There is no file system, not even while booting: `encodings`, which CPython
 * needs before it can import anything, is handed to it as frozen modules. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOST(name) __attribute__((import_module("goldstone"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

HOST("reply") void host_reply(const char *bytes, int len);
HOST("ask") int host_ask(const char *bytes, int len);
HOST("take") void host_take(char *into);

/* A harness that lets an exception escape answers with this. */
enum { STATUS_HARNESS_FAILED = 3 };

static PyObject *turn = NULL;

static void die(const char *what)
{
    fprintf(stderr, "guest: %s\n", what);
    if (PyErr_Occurred()) {
        PyErr_Print();
    }
    fflush(stderr);
    abort();
}

static void require(PyStatus status)
{
    if (PyStatus_Exception(status)) {
        die(status.err_msg ? status.err_msg : "CPython did not start");
    }
}

/* ---- The boot archive: numbers are 32 bits, little-endian. */

static void read_exactly(void *into, size_t len)
{
    char *at = into;
    while (len > 0) {
        ssize_t got = read(0, at, len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            die("the boot archive ends early");
        }
        at += got;
        len -= (size_t)got;
    }
}

static uint32_t read_number(void)
{
    unsigned char b[4];
    read_exactly(b, sizeof b);
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* A length and as many bytes, with a zero behind them. */
static char *read_block(uint32_t *len)
{
    *len = read_number();
    char *block = malloc((size_t)*len + 1);
    if (!block) {
        die("no memory for the boot archive");
    }
    read_exactly(block, *len);
    block[*len] = 0;
    return block;
}

/* Modules that CPython imports before any importer of ours exists. They stay in
 * memory: the table points at them for as long as the interpreter lives. */
static void freeze_first_modules(void)
{
    uint32_t count = read_number();
    struct _frozen *table = calloc((size_t)count + 1, sizeof *table);
    if (!table) {
        die("no memory for the frozen modules");
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t len;
        table[i].name = read_block(&len);
        table[i].is_package = read_number() != 0;
        table[i].code = (const unsigned char *)read_block(&len);
        table[i].size = (int)len;
    }
    PyImport_FrozenModules = table;
}

/* ---- Module `_goldstone`: what the harness may do beside computing. */

static PyObject *py_reply(PyObject *self, PyObject *arg)
{
    Py_buffer view;
    if (PyObject_GetBuffer(arg, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    host_reply(view.buf, (int)view.len);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *py_ask(PyObject *self, PyObject *arg)
{
    Py_buffer view;
    if (PyObject_GetBuffer(arg, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    int len = host_ask(view.buf, (int)view.len);
    PyBuffer_Release(&view);
    if (len < 0) {
        PyErr_SetString(PyExc_RuntimeError, "the host refused a message");
        return NULL;
    }
    PyObject *answer = PyBytes_FromStringAndSize(NULL, len);
    if (answer) {
        host_take(PyBytes_AS_STRING(answer));
    }
    return answer;
}

/* ---- What all runs share. A count of references is a write, and a write to a page
 * of the snapshot is a page of its own for the run, copied and thrown away: most of
 * what a short run costs. What lives when the snapshot is taken lives for ever. */

struct heap {
    PyObject **items;
    size_t count, room;
};

static int reach(PyObject *object, void *heap)
{
    struct heap *found = heap;
    if (!object || _Py_IsImmortal(object)) {
        return 0;
    }
    object->ob_refcnt = _Py_IMMORTAL_REFCNT;
    if (found->count == found->room) {
        found->room = found->room ? 2 * found->room : 1024;
        found->items = realloc(found->items, found->room * sizeof *found->items);
        if (!found->items) {
            die("no memory for the list of objects");
        }
    }
    found->items[found->count++] = object;
    return 0;
}

/* Code is no container to the collector. */
static void reach_parts_of_code(PyCodeObject *code, struct heap *found)
{
    PyObject *parts[] = {
        code->co_consts, code->co_names, code->co_exceptiontable, code->co_localsplusnames,
        code->co_localspluskinds, code->co_filename, code->co_name, code->co_qualname,
        code->co_linetable,
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        reach(parts[i], found);
    }
}

static PyObject *py_keep(PyObject *self, PyObject *roots)
{
    if (!PyList_CheckExact(roots)) {
        PyErr_SetString(PyExc_TypeError, "a list of objects");
        return NULL;
    }
    struct heap found = {NULL, 0, 0};
    size_t kept = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(roots); i++) {
        reach(PyList_GET_ITEM(roots, i), &found);
        while (found.count > 0) {
            PyObject *object = found.items[--found.count];
            kept++;
            if (PyCode_Check(object)) {
                reach_parts_of_code((PyCodeObject *)object, &found);
            } else if (PyObject_IS_GC(object) && Py_TYPE(object)->tp_traverse) {
                Py_TYPE(object)->tp_traverse(object, reach, &found);
            }
        }
    }
    free(found.items);
    return PyLong_FromSize_t(kept);
}

static PyMethodDef methods[] = {
    {"keep", py_keep, METH_O, "Makes objects, and all that they lead to, live for ever; how many."},
    {"reply", py_reply, METH_O, "Appends bytes to the reply of this turn."},
    {"ask", py_ask, METH_O, "Sends bytes to the candidate's instance; its answer, kind first."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_goldstone", "The host's side of a turn.", -1, methods,
};

static PyObject *init_module(void)
{
    return PyModule_Create(&module);
}

/* ---- Booting. */

static void set_string(PyConfig *config, wchar_t **field, const wchar_t *text)
{
    require(PyConfig_SetString(config, field, text));
}

static void start_interpreter(void)
{
    PyPreConfig pre;
    PyPreConfig_InitIsolatedConfig(&pre);
    pre.utf8_mode = 1;
    require(Py_PreInitialize(&pre));

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.write_bytecode = 0;
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    config.pathconfig_warnings = 0;
    config.use_frozen_modules = 1;
    /* Sets iterate in the same order in every run. */
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    /* Paths that name nothing: they keep CPython from looking for its own. */
    config.module_search_paths_set = 1;
    set_string(&config, &config.program_name, L"python");
    set_string(&config, &config.executable, L"");
    set_string(&config, &config.prefix, L"/");
    set_string(&config, &config.exec_prefix, L"/");
    set_string(&config, &config.base_prefix, L"/");
    set_string(&config, &config.base_exec_prefix, L"/");
    set_string(&config, &config.stdlib_dir, L"/lib");
    require(PyWideStringList_Append(&config.argv, L"main.py"));
    require(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
}

EXPORT("wizer.initialize") void guest_boot(void)
{
    freeze_first_modules();
    if (PyImport_AppendInittab("_goldstone", init_module) < 0) {
        die("no memory for the table of modules");
    }
    start_interpreter();

    uint32_t len;
    char *source = read_block(&len);
    PyObject *names = PyDict_New();
    if (!names || PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) < 0) {
        die("no memory for boot.py");
    }
    /* boot.py reads the rest of the archive, runs the harness, and leaves `turn`. */
    PyObject *done = PyRun_String(source, Py_file_input, names, names);
    free(source);
    if (!done) {
        die("boot.py failed");
    }
    Py_DECREF(done);
    turn = PyDict_GetItemString(names, "turn");
    if (!turn) {
        die("the harness defines no `turn`");
    }
    /* The dictionary is kept alive by what boot.py defined; this one name by us. */
    Py_INCREF(turn);
    fflush(stderr);
}

/* ---- Turns. */

EXPORT("guest_alloc") char *guest_alloc(int len)
{
    return malloc(len > 0 ? (size_t)len : 1);
}

EXPORT("guest_turn") int guest_turn(char *bytes, int len)
{
    PyObject *message = PyBytes_FromStringAndSize(bytes, len);
    free(bytes);
    PyObject *result = message ? PyObject_CallOneArg(turn, message) : NULL;
    Py_XDECREF(message);
    if (result) {
        long status = PyLong_AsLong(result);
        Py_DECREF(result);
        if (!PyErr_Occurred()) {
            return (int)status;
        }
    }
    /* Not PyErr_Print: it would obey a SystemExit. */
    PyObject *raised = PyErr_GetRaisedException();
    PyErr_DisplayException(raised);
    Py_XDECREF(raised);
    return STATUS_HARNESS_FAILED;
}
