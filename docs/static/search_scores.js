// What a result of the site's search counts: a heading that says what was asked before words on a page, and pages
// that explain before those that list or justify. Sphinx reads this (`html_search_scorer` in conf.py).
var Scorer = {
  score: ([page, , , , score, , kind]) => {
    const worth = kind === "title" || kind === "index" ? 2 * score : score;
    return /^(decisions\/|actions$|promises$|sandbox$|tour$|tokens$|toolsets$)/.test(page) ? worth / 2 : worth;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
