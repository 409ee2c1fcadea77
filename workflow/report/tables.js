// Tables: sorted, searched, page by page, and given as CSV as they are shown.

const PER_PAGE = 25;
const inOrder = new Intl.Collator("en", { numeric: true }).compare; // T2 before T10
DataTable.ext.type.order["natural-asc"] = inOrder;
DataTable.ext.type.order["natural-desc"] = (one, other) => inOrder(other, one);
DataTable.ext.errMode = "throw";

/** Make a table of the page one that can be sorted and searched; once. */
function enhanced(table, more = {}) {
  if (DataTable.isDataTable(table)) return new DataTable.Api(table);
  const rows = more.data?.length ?? table.tBodies[0].rows.length;
  const name = table.id.replace(/^table-/, "");
  const csv = { extend: "csvHtml5", bom: true, text: "CSV", titleAttr: "The rows that are found, in this order, as CSV" };
  return new DataTable(table, {
    autoWidth: false,
    order: [],
    pageLength: PER_PAGE,
    lengthMenu: [10, PER_PAGE, 100, { label: "all", value: -1 }],
    columnDefs: [{ targets: ".words", type: "natural" }],
    layout: {
      topStart: { buttons: [{ ...csv, title: null, filename: `${page.experiment}_${name}` }] },
      topEnd: { search: { text: "Search _INPUT_" } },
      bottomStart: "info",
      bottomEnd: rows > PER_PAGE ? ["pageLength", "paging"] : null,
    },
    ...more,
  });
}

/** Make tables work once they can be seen: those of other questions, and in what is folded up, wait. */
function tendTables(within = document) {
  for (const table of within.querySelectorAll("table[id^=table-]")) {
    if (table.closest("[hidden], details:not([open])") === null) enhanced(table);
  }
}

/** Show, of the best layers for a question, those by a metric; where nothing is ranked by it, there are none. */
function showBestBy(metric, panel) {
  const table = panel.querySelector("table[data-metrics]");
  if (!table) return;
  const number = [...table.tHead.rows[0].cells].findIndex((cell) => cell.dataset.column === "metric");
  enhanced(table)
    .column(number)
    .search((value) => value === metric)
    .draw();
}

/** The rows that a chart draws, as a table in an element. */
function tabulate(place, host) {
  host.replaceChildren();
  setsIn(place.entry.charts[place.metric]).forEach((name, number) => {
    const columns = Object.keys(page.data[name]);
    const isShown = (row) => row.model === undefined || row.model === null || state.models.includes(row.model);
    const rows = rowsOf(name).filter((row) => isShown(row));
    const wide = document.createElement("div");
    const table = document.createElement("table");
    wide.className = "wide";
    wide.append(table);
    host.append(wide);
    table.setAttribute("aria-label", `Data of the chart: ${place.entry.alt}`);
    table.id = ["table-data", place.entry.figure, place.entry.subject, number || ""].filter(Boolean).join("-");
    enhanced(table, {
      data: rows.map((row) => columns.map((column) => textOf(row[column]))),
      columns: columns.map((column) => ({ title: escaped(column.replaceAll("_", " ")), render: DataTable.render.text() })),
      columnDefs: [],
    });
  });
}

function textOf(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : value;
}

function escaped(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element.innerHTML;
}
