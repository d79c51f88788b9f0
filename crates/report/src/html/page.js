document.addEventListener("click", event => {
  const button = event.target.closest("button[data-of]");
  if (!button) return;
  const data = JSON.parse(document.getElementById(button.dataset.of).textContent);
  const cell = value => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const csv = [data.columns, ...data.rows].map(row => row.map(cell).join(",") + "\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
  link.download = data.name + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
